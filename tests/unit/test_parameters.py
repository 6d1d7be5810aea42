"""A component's parameters come from its constructor's type hints."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import Field

from sr_core import Part, Upsampler
from sr_core.building import build
from sr_core.component import Distribution
from sr_core.description import describe_parameters
from sr_core.errors import ContractError, ParameterError, PluginError
from sr_core.parameters import ComponentReference, check_parameters
from sr_core.registry import Registrar, Registry


class Judge(Part):
    """A role that parts can play."""


class StrictJudge(Judge):
    def __init__(self, layers: Annotated[int, Field(ge=1)] = 3) -> None:
        super().__init__()
        self.layers = layers


class OtherPart(Part):
    pass


class Sharpen(Upsampler):
    """Takes one parameter of each sort."""

    def __init__(
        self,
        amount: float,
        passes: Annotated[int, Field(gt=0, le=9)] = 1,
        taps: tuple[float, ...] = (1.0,),
        mode: Literal["soft", "hard"] = "soft",
        judge: Judge | None = None,
        scale: float = 2,
    ) -> None:
        if amount == 13:
            raise ValueError("13 brings bad luck")
        if amount == 14:
            raise KeyError("a bug of its own")
        self.values = (amount, passes, taps, mode, judge, scale)

    def __call__(self, image, scale):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204
        return image


@pytest.fixture
def registry() -> Registry:
    registrar = Registrar(Distribution("stranger", "1.0"))
    here = "tests.unit.test_parameters"
    registrar.upsampler("sharpen", f"{here}:Sharpen", summary="sharpens")
    registrar.part("strict-judge", f"{here}:StrictJudge", summary="judges")
    registrar.part("other", f"{here}:OtherPart", summary="plays another role")
    made = Registry()
    made.add(registrar.components)
    return made


def problems(given: dict[str, object]) -> str:
    with pytest.raises(ParameterError) as caught:
        check_parameters(Sharpen, given)
    return str(caught.value)


def test_an_int_serves_as_float_and_a_list_as_tuple() -> None:
    checked = check_parameters(Sharpen, {"amount": 1, "taps": [1, 2.5]})
    assert checked["amount"] == 1.0
    assert checked["taps"] == (1.0, 2.5)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({}, "'amount' is missing"),
        ({"amount": "1"}, "amount: expected a number, found '1'"),
        ({"amount": 1, "passes": 1.5}, "passes: expected a whole number, found 1.5"),
        ({"amount": 1, "passes": 0}, "passes: input should be greater than 0, found 0"),
        ({"amount": 1, "passes": True}, "passes: expected a whole number, found True"),
        ({"amount": 1, "mode": "medium"}, "mode: input should be 'soft' or 'hard', found 'medium'"),
        ({"amount": 1, "pases": 2}, "unknown key 'pases'; did you mean 'passes'?"),
        ({"amount": 1, "judge": 3}, "judge: expected a component's name"),
    ],
)
def test_nothing_else_is_bent(given: dict[str, object], complaint: str) -> None:
    assert complaint in problems(given)


def test_all_problems_are_reported_together() -> None:
    assert problems({"amount": "x", "passes": 0, "zzz": 1}).count(";") >= 2


def test_the_core_fills_scale_where_the_mapping_is_silent(registry: Registry) -> None:
    filled = build(registry, "upsampler", ComponentReference.of("sharpen", {"amount": 1}), {"scale": 4})
    assert filled.values[-1] == 4
    own = ComponentReference.of("sharpen", {"amount": 1, "scale": 3})
    assert build(registry, "upsampler", own, {"scale": 4}).values[-1] == 3


def test_a_nested_component_is_built_with_its_own_parameters(registry: Registry) -> None:
    parameters = {"amount": 1, "judge": {"name": "strict-judge", "layers": 5}}
    made = build(registry, "upsampler", ComponentReference.of("sharpen", parameters))
    assert isinstance(made.values[4], StrictJudge)
    assert made.values[4].layers == 5


@pytest.mark.parametrize(
    ("judge", "complaint"),
    [
        ({"name": "strict-judge", "layers": 0}, "judge.layers: input should be greater than or equal to 1"),
        ("other", "'other' is no Judge"),
        ("strict-juge", "did you mean 'strict-judge'"),
    ],
)
def test_a_fault_in_a_nested_component_says_where(registry: Registry, judge: object, complaint: str) -> None:
    parameters = {"amount": 1, "judge": judge}
    with pytest.raises(Exception, match=complaint):
        build(registry, "upsampler", ComponentReference.of("sharpen", parameters))


def test_a_constructors_own_refusal_is_a_parameter_error(registry: Registry) -> None:
    with pytest.raises(ParameterError, match="bad luck"):
        build(registry, "upsampler", ComponentReference.of("sharpen", {"amount": 13}))


def test_a_constructors_crash_names_who_published_it(registry: Registry) -> None:
    with pytest.raises(ContractError, match=r"stranger 1.0 cannot be built: KeyError"):
        build(registry, "upsampler", ComponentReference.of("sharpen", {"amount": 14}))


class Swallower(Upsampler):
    def __init__(self, **options: int) -> None:
        pass

    def __call__(self, image, scale):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204
        return image


class Unhinted(Upsampler):
    def __init__(self, amount=1) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        pass

    def __call__(self, image, scale):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204
        return image


@pytest.mark.parametrize(("faulty", "complaint"), [(Swallower, "swallow"), (Unhinted, "'amount' has no type hint")])
def test_a_constructor_that_cannot_be_read_is_the_plugins_fault(faulty: type, complaint: str) -> None:
    with pytest.raises(PluginError, match=complaint):
        check_parameters(faulty, {})


def test_a_description_shows_types_bounds_and_defaults() -> None:
    described = {d.name: (d.type, d.default) for d in describe_parameters(Sharpen)}
    assert described["amount"] == ("float", None)
    assert described["passes"] == ("int, > 0, ≤ 9", "1")
    assert described["taps"] == ("tuple[float, …]", "(1.0,)")
    assert described["mode"] == ("'soft' | 'hard'", "'soft'")
    assert described["judge"] == ("part (Judge) | None", "None")
