"""Degradations one after the other: what is done to HR, what to LR, and in which order."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sr_core import Degradation, SampleRandom, Scale, resize, sr_size
from sr_core.building import build
from sr_core.degradations.bicubic import Bicubic
from sr_core.degradations.blurs import GaussianBlur
from sr_core.degradations.chance import Chance
from sr_core.degradations.compose import Compose
from sr_core.degradations.gaussian import Gaussian
from sr_core.degradations.jpeg import Jpeg
from sr_core.degradations.noise import Noise
from sr_core.degradations.resizing import METHODS, Resize
from sr_core.degradations.step import Step
from sr_core.discovery import discover
from sr_core.errors import ParameterError
from sr_core.parameters import ComponentReference
from sr_core.testing import check_degradation


class Noted(Step):
    """Leaves the picture as it is, and notes that it saw it."""

    def __init__(self, name: str, seen: list[tuple[str, int]]) -> None:
        super().__init__()
        self.name, self.seen = name, seen

    def applied(self, image: Tensor, chance: Chance) -> Tensor:
        self.seen.append((self.name, image.shape[-1]))
        return image


class Brightened(Degradation):
    """Shrinks, and gives a target of its own."""

    deterministic = True

    def forward(self, hr: Tensor, scale: Scale, random: SampleRandom) -> tuple[Tensor, Tensor]:
        return resize(hr, 1 / float(scale)).clamp(0, 1), (hr + 0.1).clamp(0, 1)  # type: ignore[arg-type]


def lr_of(degradation: Compose, hr: Tensor, scale: Scale = 2) -> Tensor:
    made = degradation(hr, scale, SampleRandom(1, 0, range(len(hr))))
    assert isinstance(made, Tensor)
    return made


def test_steps_before_what_shrinks_are_done_to_hr_and_those_after_it_to_lr() -> None:
    seen: list[tuple[str, int]] = []
    lr_of(Compose([Noted("before", seen), Bicubic(), Noted("after", seen)]), torch.rand(1, 3, 24, 24), 3)
    assert seen == [("before", 24), ("after", 8)]


def test_what_is_too_large_in_the_end_is_shrunk_by_bicubic() -> None:
    hr = torch.rand(1, 3, 24, 24)
    seen: list[tuple[str, int]] = []
    made = lr_of(Compose([Noted("only", seen)], rounding="none"), hr, 3)
    assert seen == [("only", 24)]
    assert torch.allclose(made, resize(hr, 1 / 3).clamp(0, 1), atol=1e-6)
    rounded = lr_of(Compose([Noted("only", seen)]), hr, 3)
    assert torch.equal((made * 255 + 0.5).floor() / 255, rounded)


def test_it_is_its_steps_one_after_the_other() -> None:
    hr = torch.rand(2, 3, 24, 24)
    made = lr_of(Compose([GaussianBlur(1.5), Gaussian(), Jpeg(80)]), hr)
    steps = [GaussianBlur(1.5), Jpeg(80)]
    by_hand = []
    for sample in hr.split(1):
        random = SampleRandom(0, 0, [0])
        blurred = steps[0].applied(sample, Chance(random))
        by_hand.append(steps[1].applied(Gaussian()(blurred, 2, random), Chance(random)))
    assert torch.equal(made, torch.cat(by_hand))


def test_shuffled_each_sample_has_its_own_order_and_all_orders_come() -> None:
    seen: list[tuple[str, int]] = []
    composed = Compose([Noted(name, seen) for name in "abc"], shuffle=True)
    assert not composed.deterministic
    lr_of(composed, torch.rand(120, 1, 4, 4), 1)
    orders = ["".join(name for name, _ in seen[i : i + 3]) for i in range(0, 360, 3)]
    assert sorted(set(orders)) == ["abc", "acb", "bac", "bca", "cab", "cba"]


def test_a_step_is_done_with_its_probability() -> None:
    seen: list[tuple[str, int]] = []
    composed = Compose([Noted(name, seen) for name in "abc"], probabilities=[0, 0.25, 1])
    assert not composed.deterministic
    lr_of(composed, torch.rand(400, 1, 4, 4), 1)
    counts = {name: sum(name == each for each, _ in seen) for name in "abc"}
    assert counts["a"] == 0
    assert counts["b"] == pytest.approx(100, abs=5 * 9)
    assert counts["c"] == 400


def test_a_pipeline_in_a_pipeline_is_a_step_where_it_does_not_shrink() -> None:
    seen: list[tuple[str, int]] = []
    inner = Compose([Noted("b", seen), Noted("c", seen)], shuffle=True)
    outer = Compose([Noted("a", seen), inner, Bicubic(), Noted("d", seen)])
    assert not outer.deterministic
    lr_of(outer, torch.rand(1, 3, 8, 8))
    assert (seen[0], sorted(seen[1:3]), seen[3]) == (("a", 8), [("b", 8), ("c", 8)], ("d", 4))
    lr_of(Compose([Compose([Bicubic()]), Noted("e", seen)]), torch.rand(1, 3, 8, 8))
    assert seen[-1] == ("e", 4)


def test_it_is_deterministic_where_all_of_its_steps_are() -> None:
    assert Compose([GaussianBlur(1.0), Bicubic(), Jpeg(50)]).deterministic
    assert not Compose([GaussianBlur(), Bicubic()]).deterministic
    assert Compose([GaussianBlur(1.0)], probabilities=[1]).deterministic


def test_a_new_target_is_handed_on_and_a_sample_that_skipped_it_keeps_hr() -> None:
    hr = torch.rand(40, 3, 8, 8)
    made = Compose([Brightened(), Noise(sigma=1.0)])(hr, 2, SampleRandom(0, 0, range(40)))
    assert isinstance(made, tuple)
    assert torch.allclose(made[1], (hr + 0.1).clamp(0, 1))
    skipping = Compose([Brightened()], probabilities=[0.5])(hr, 2, SampleRandom(0, 0, range(40)))
    assert isinstance(skipping, tuple)
    kept = (skipping[1] == hr).flatten(1).all(1)
    assert 5 < kept.sum() < 35
    assert skipping[0].shape == (40, 3, 4, 4)


def test_a_random_resize_has_its_factors_methods_and_pytorchs_pixels() -> None:
    image = torch.rand(1, 3, 100, 60)
    random = SampleRandom(0, 0, range(600))
    sizes = [Resize((0.2, 0.7, 0.1), (0.5, 2.0)).applied(image, Chance(random, i)).shape[-2:] for i in range(600)]
    heights = torch.tensor([height for height, _ in sizes])
    assert (heights.min() >= 50, heights.max() <= 200) == (True, True)
    assert heights.min() < 52
    assert heights.max() > 190
    # Of the enlarged ones a hundredth is rounded down to 100 or 101.
    assert (heights < 100).sum().item() == pytest.approx(420, abs=5 * 12)
    assert (heights > 101).sum().item() == pytest.approx(119, abs=5 * 10)
    half = Resize((0, 1, 0), (0.5, 1.0)).applied(image, Chance(SampleRandom(0, 0, [3])))
    candidates = [torch.nn.functional.interpolate(image, half.shape[-2:], mode=mode) for mode in METHODS]
    assert any(torch.allclose(half, each.clamp(0, 1)) for each in candidates)


def test_a_pipeline_of_random_steps_keeps_its_contract() -> None:
    pipeline = [GaussianBlur(), Bicubic(), Resize(), Noise("either"), Jpeg()]
    check_degradation(Compose(pipeline, shuffle=True, probabilities=[1, 1, 0.5, 0.5, 0.5]))
    check_degradation(Compose([Resize(), Noise(), Jpeg(codec="differentiable")]), scales=(1, 2, 2.3, (2, 3), 0.5))


def test_a_spec_nests_components() -> None:
    steps = [{"name": "gaussian_blur", "sigma": [0.2, 2]}, "bicubic", {"name": "jpeg", "quality": [60, 90]}]
    reference = ComponentReference.of("compose", {"steps": steps, "shuffle": True})
    composed = build(discover().registry, "degradation", reference)
    assert [type(step) for step in composed.steps] == [GaussianBlur, Bicubic, Jpeg]
    check_degradation(composed, scales=(3,))


def test_an_empty_batch_and_one_sample_work() -> None:
    composed = Compose([GaussianBlur(), Bicubic()])
    assert composed(torch.rand(0, 3, 8, 8), 2, SampleRandom(0, 0, [])).shape == (0, 3, 4, 4)
    assert lr_of(composed, torch.rand(1, 1, *sr_size((5, 3), 2))).shape == (1, 1, 5, 3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Compose([]), "steps needs at least one degradation"),
        (lambda: Compose([Bicubic(), Gaussian()]), "at most one of the steps may shrink by itself"),
        (lambda: Compose([Bicubic(), Compose([Bicubic()])]), "at most one of the steps may shrink"),
        (lambda: Compose([Noise()], probabilities=[0.5, 1]), "one number for each of the 1 steps"),
        (lambda: Resize((0, 0, 0)), "up_down_keep needs a probability above 0"),
        (lambda: Resize(factors=(1.2, 1.5)), "factors are .*, not"),
        (lambda: Resize(factors=(0.0, 1.5)), "factors are"),
        (lambda: Resize(factors=(0.5, 20.0)), "at most 16"),
    ],
)
def test_pipelines_that_cannot_be_are_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


def test_a_step_that_is_not_installed_is_named() -> None:
    reference = ComponentReference.of("compose", {"steps": ["gausian_blur"]})
    with pytest.raises(ParameterError, match="gausian_blur"):
        build(discover().registry, "degradation", reference)
