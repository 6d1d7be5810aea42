"""Names, clashes and near misses of installed components."""

from __future__ import annotations

import pytest

from sr_core.component import Component, Distribution
from sr_core.errors import PluginError, UnknownComponentError
from sr_core.registry import Registrar, Registry


def component(name: str, distribution: str = "stranger") -> Component:
    return Component("upsampler", name, "somewhere.mine:Mine", "a method", "", Distribution(distribution, "1.0"))


def registry(*components: Component) -> Registry:
    made = Registry()
    for one in components:
        made.add([one])
    return made


def test_a_misspelt_name_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(UnknownComponentError, match="unknown upsampler 'bicubik'; did you mean 'bicubic'"):
        registry(component("bicubic")).get("upsampler", "bicubik")


def test_a_name_unlike_any_other_is_answered_with_all_names() -> None:
    with pytest.raises(UnknownComponentError, match="installed: bicubic, spline"):
        registry(component("bicubic"), component("spline")).get("upsampler", "qqqq")


def test_a_name_of_another_kind_is_pointed_out() -> None:
    with pytest.raises(UnknownComponentError, match="there is an upsampler of that name"):
        registry(component("bicubic")).get("metric", "bicubic")


def test_an_official_name_stays_official_and_the_stranger_is_reached_by_its_full_name() -> None:
    both = registry(component("bicubic", "zz-first"), component("bicubic", "srkit-interp"))
    assert both.get("upsampler", "bicubic").distribution.name == "srkit-interp"
    assert both.get("upsampler", "zz-first:bicubic").distribution.name == "zz-first"


def test_two_strangers_with_one_name_fail_only_the_bare_name_and_both_are_named() -> None:
    both = registry(component("magic", "one"), component("magic", "two"), component("other"))
    with pytest.raises(UnknownComponentError, match="'one:magic' or 'two:magic'"):
        both.get("upsampler", "magic")
    assert both.get("upsampler", "two:magic").distribution.name == "two"
    assert both.get("upsampler", "other").name == "other"


def test_registering_is_all_or_nothing() -> None:
    held = registry(component("taken"))
    with pytest.raises(PluginError, match="two plugins of that distribution"):
        held.add([component("fresh"), component("taken")])
    assert not held.has("upsampler", "fresh")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("Upper", "a.b:C"), "lower-case"),
        (("", "a.b:C"), "lower-case"),
        (("mine", "a.b.C"), "package.module:Class"),
        (("mine", "a b:C"), "package.module:Class"),
    ],
)
def test_a_malformed_registration_says_the_allowed_form(arguments: tuple[str, str], complaint: str) -> None:
    with pytest.raises(PluginError, match=complaint):
        Registrar(Distribution("stranger", "1.0")).upsampler(*arguments, summary="a method")


def test_a_summary_is_one_line() -> None:
    with pytest.raises(PluginError, match="one line"):
        Registrar(Distribution("stranger", "1.0")).upsampler("mine", "a.b:C", summary="two\nlines")


def test_the_same_name_twice_in_one_plugin_is_refused() -> None:
    registrar = Registrar(Distribution("stranger", "1.0"))
    registrar.model("mine", "a.b:C", summary="a method")
    with pytest.raises(PluginError, match="twice"):
        registrar.model("mine", "a.b:D", summary="another")


def test_the_fields_map_is_kept_as_given() -> None:
    registrar = Registrar(Distribution("stranger", "1.0"))
    registrar.model("mine", "a.b:C", summary="a method", year=2016, framework="pre")
    assert registrar.components[0].facts == {"year": 2016, "framework": "pre"}
