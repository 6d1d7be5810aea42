"""Adaptive augmentation: what happens to pictures, how often, and when it becomes more."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from sr_core import Batch
from sr_plugins_gan.adaptive_augmentation import AdaptiveAugmentation, _resampling
from sr_plugins_gan.adversarial import AdversarialLoss
from tests.unit.small_discriminators import PatchJudge


def augmentation(probability: float = 1.0) -> AdaptiveAugmentation:
    made = AdaptiveAugmentation()
    made.probability.fill_(probability)
    return made


def pictures(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(3, 3, 8, 8), (2, 1, 5, 9), (2, 7, 1, 1)])
def test_without_probability_every_bit_stays(shape: tuple[int, ...]) -> None:
    real, fake = pictures(*shape), pictures(*shape, seed=1) * 3 - 1
    shown = augmentation(0)(real, fake)
    assert torch.equal(shown[0], real)
    assert torch.equal(shown[1], fake)


@pytest.mark.parametrize("shape", [(8, 3, 8, 8), (8, 1, 5, 9), (2, 7, 1, 1)])
def test_real_and_made_pictures_are_changed_alike(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    real = pictures(*shape)
    one, other = augmentation()(real, real.clone())
    assert one.shape == shape
    torch.testing.assert_close(one, other)
    assert not torch.allclose(one, real)
    assert not torch.allclose(one[0] - real[0], one[1] - real[1]), "each picture otherwise"


class Drawn:
    """Stands for chance: every operation is applied, with what is given here, and nothing else changes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, flip: int = 0, turns: int = 0, normals: Tensor) -> None:
        integers, self.normals = {2: flip, 4: turns}, iter(normals.tolist())
        monkeypatch.setattr(torch, "randint", lambda high, shape, **_: torch.full(shape, integers[high]))
        monkeypatch.setattr(
            torch, "rand", lambda *shape, **kinds: torch.full(_shape(shape), 0.5, dtype=kinds.get("dtype"))
        )
        monkeypatch.setattr(torch, "randn", lambda count, **_: torch.full((count,), next(self.normals)))


def _shape(given: tuple[object, ...]) -> tuple[int, ...]:
    return tuple(given[0]) if isinstance(given[0], tuple) else given  # type: ignore[return-value]


@pytest.mark.parametrize(("flip", "turns"), [*itertools.product((0, 1), (0, 1, 2, 3))])
def test_flips_and_quarter_turns_move_pixels_and_change_none(
    flip: int, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = pictures(1, 3, 6, 6)
    Drawn(monkeypatch, flip=flip, turns=turns, normals=torch.zeros(4))
    shown, _ = augmentation()(real, real)
    expected = np.rot90(real.numpy(), turns, axes=(-2, -1))
    expected = expected[..., ::-1] if flip else expected
    torch.testing.assert_close(shown, torch.from_numpy(expected.copy()), rtol=0, atol=0)


@pytest.mark.parametrize("turns", [1, 3])
def test_oblong_pictures_are_not_laid_across(turns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real = pictures(1, 1, 4, 6)
    Drawn(monkeypatch, turns=turns, normals=torch.zeros(4))
    shown, _ = augmentation()(real, real)
    expected = real if turns == 1 else real.flip(-1, -2)
    assert torch.equal(shown, expected)


def test_light_and_colour_by_their_formulas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Normal draws: zoom 0, brightness 1, contrast −1, saturation 0.5."""
    real = pictures(1, 3, 4, 4)
    Drawn(monkeypatch, normals=torch.tensor([0, 1, -1, 0.5]))
    shown, _ = augmentation()(real, real)
    lit = (real.double().numpy() + 0.1 - 0.5) * 2**-0.5 + 0.5
    gray = lit.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(shown.numpy(), gray + (lit - gray) * 2**0.5, atol=1e-6)
    Drawn(monkeypatch, normals=torch.tensor([0, 1, -1, 0.5]))
    gray_shown, _ = augmentation()(real[:, :1], real[:, :1])
    np.testing.assert_allclose(gray_shown.numpy(), lit[:, :1], atol=1e-6)


@pytest.mark.parametrize("shift", [-2, 0, 3])
def test_shifts_are_whole_pixels_and_mirror_at_the_borders(shift: int) -> None:
    line = pictures(8)
    matrix = _resampling(8, torch.tensor([False]), torch.tensor([float(shift)]), torch.ones(1))[0]
    padded = np.pad(line.numpy(), 3, mode="reflect")
    np.testing.assert_array_equal((matrix @ line).numpy(), padded[3 - shift : 11 - shift])


@pytest.mark.parametrize("zoom", [0.7, 1.3])
def test_zoom_is_about_the_centre_with_a_triangle_as_kernel(zoom: float) -> None:
    matrix = _resampling(9, torch.tensor([False]), torch.zeros(1), torch.tensor([zoom], dtype=torch.float64))[0]
    for row in range(9):
        place = 4 + (row - 4) / zoom
        place = -place if place < 0 else 16 - place if place > 8 else place
        weights = [max(0.0, 1 - abs(place - pixel) * min(zoom, 1)) for pixel in range(9)]
        assert matrix[row].tolist() == pytest.approx([weight / sum(weights) for weight in weights])


def test_each_change_comes_with_the_probability_p() -> None:
    torch.manual_seed(0)
    p, count = 0.15, 4000
    real = pictures(count, 3, 6, 6)
    shown, _ = augmentation(p)(real, real)
    unchanged = (shown == real).flatten(1).all(dim=1).double().mean().item()
    # A flip may be none (½), a quarter turn too (¼), a shift by less than ⅔ of 0.75 pixels on both axes too (4/9).
    expected = (1 - p / 2) * (1 - 3 * p / 4) * (1 - 5 * p / 9) * (1 - p) ** 4
    assert unchanged == pytest.approx(expected, abs=4 * (expected * (1 - expected) / count) ** 0.5)


def test_gradients_of_first_and_second_order_pass_through() -> None:
    made = augmentation().double()

    def shown(real: Tensor, fake: Tensor) -> Tensor:
        torch.manual_seed(2)
        one, other = made(real, fake)
        return one * other

    given = tuple(pictures(1, 3, 3, 3, seed=seed).double().requires_grad_() for seed in (0, 1))
    assert torch.autograd.gradcheck(shown, given)
    assert torch.autograd.gradgradcheck(shown, given)


def test_low_precision_does_not_round_pictures() -> None:
    real = pictures(2, 3, 8, 8)
    torch.manual_seed(1)
    exact = augmentation()(real, real)[0]
    torch.manual_seed(1)
    with torch.autocast("cpu", torch.bfloat16):
        low = augmentation()(real, real)[0]
    assert torch.equal(low, exact)


def stepped(made: AdaptiveAugmentation, verdict: float, steps: int, pictures: int = 10) -> float:
    for _ in range(steps):
        made.watch(torch.full((pictures, 1), verdict))
        made.adapt()
    return made.probability.item()


def test_the_probability_follows_how_sure_the_discriminator_is() -> None:
    made = AdaptiveAugmentation(target=0.6, images=400)
    assert stepped(made, 2.0, 3) == 0, "it looks every fourth step"
    assert stepped(made, 2.0, 1) == pytest.approx(0.1), "40 of 400 pictures"
    assert stepped(made, 0.01, 8) == pytest.approx(0.3), "the sign counts, not the size"
    assert stepped(made, -1.0, 4) == pytest.approx(0.2)
    assert stepped(made, -1.0, 40) == 0
    assert stepped(made, 1.0, 100) == 1


def test_four_steps_are_judged_together() -> None:
    for verdicts, expected in (((1, 1, 1, 0), 0.1), ((1, 1, 0, 0), 0.0)):  # mean signs of ¾ and ½; the target is 0.6
        made = AdaptiveAugmentation(target=0.6, images=400)
        for verdict in verdicts:
            stepped(made, float(verdict), 1)
        assert made.probability.item() == pytest.approx(expected)


def test_a_verdict_that_is_no_number_does_not_stay() -> None:
    made = AdaptiveAugmentation(images=400)
    stepped(made, float("nan"), 4)
    assert stepped(made, 1.0, 4) == pytest.approx(0.1)


def test_the_loss_watches_and_the_state_is_kept() -> None:
    torch.manual_seed(0)
    loss = AdversarialLoss(PatchJudge(), augment="ada", ada_images=16, ada_target=-0.99)
    batch = Batch(lr=torch.zeros(2, 3, 6, 6), scale=2, step=0, progress=0.0)
    for step in range(4):
        own = loss.own_objective(pictures(2, 3, 12, 12), pictures(2, 3, 12, 12, seed=1) + 1, batch)
        assert own["augmentation"] == 0
        loss.after_own_step()
        for _ in range(step):
            loss(pictures(2, 3, 12, 12), pictures(2, 3, 12, 12), batch)  # the network's steps do not count
    kept = loss.state_dict()
    assert kept["augmentation.probability"] == 0.5, "8 pictures of 16"
    other = AdversarialLoss(PatchJudge(), augment="ada")
    other.load_state_dict(kept)
    assert other.own_objective(*[pictures(2, 3, 12, 12)] * 2, batch)["augmentation"] == kept["augmentation.probability"]


@pytest.mark.parametrize(
    ("objective", "real", "sure"), [("lsgan", 0.4, False), ("lsgan", 0.6, True), ("hinge", 0.4, True)]
)
def test_how_sure_it_is_goes_by_the_middle_between_both_kinds(objective: str, real: float, sure: bool) -> None:
    class Fixed(PatchJudge):
        def stages(self, image: Tensor) -> tuple[Tensor, ...]:
            return (real + 0 * super().stages(image)[-1],)

    loss = AdversarialLoss(Fixed(), objective, augment="ada", ada_images=8)  # type: ignore[arg-type]
    batch = Batch(lr=torch.zeros(2, 3, 6, 6), scale=2, step=0, progress=0.0)
    for _ in range(4):
        loss.own_objective(pictures(2, 3, 12, 12), pictures(2, 3, 12, 12), batch)
        loss.after_own_step()
    assert loss.state_dict()["augmentation.probability"].item() == float(sure)
