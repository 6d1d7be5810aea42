"""The adversarial loss: what both players are told, the penalties, what the log shows, and that a game is won."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor

from sr_core import Batch, SrkitError
from sr_core.testing import check_loss
from sr_plugins_gan.adversarial import AdversarialLoss
from sr_plugins_gan.gradient_penalties import interpolation_penalty, squared_slope
from sr_plugins_gan.objectives import OBJECTIVES, ObjectiveName
from tests.unit.small_discriminators import LinearJudge, PatchJudge, PointJudge

every_objective = pytest.mark.parametrize("objective", list(OBJECTIVES))
PROBABLE = ("minimax", "non_saturating", "relativistic_average")


def batch_at(step: int = 0) -> Batch:
    return Batch(lr=torch.zeros(2, 1, 4, 4), scale=2, step=step, progress=0.0)


def pair(planes: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    sr, hr = (torch.rand((2, planes, 12, 10), generator=generator) for _ in range(2))
    return sr, hr


def judged(objective: ObjectiveName = "non_saturating", planes: int = 3, **options: Any) -> AdversarialLoss:
    torch.manual_seed(1)
    return AdversarialLoss(PatchJudge(planes), objective, **options)


@every_objective
@pytest.mark.parametrize("options", [{}, {"regularise": "r1", "feature_matching": 2.0}], ids=["plain", "all"])
def test_it_keeps_the_contract_on_gray_and_colour(objective: ObjectiveName, options: dict[str, Any]) -> None:
    for planes in (1, 3):
        check_loss(judged(objective, planes, **options))


@every_objective
def test_the_objective_is_that_of_the_verdicts(objective: ObjectiveName) -> None:
    loss, (sr, hr) = judged(objective), pair()
    real, fake = loss.discriminator(hr), loss.discriminator(sr)
    found = loss(sr, hr, batch_at())
    assert set(found) == {"adversarial"}
    assert found["adversarial"].item() == pytest.approx(OBJECTIVES[objective].generator(fake, real).item())
    own = loss.own_objective(sr, hr, batch_at())
    penalty = own.get("gradient penalty", torch.zeros(()))
    expected = OBJECTIVES[objective].discriminator(real, fake) + 10 * penalty
    assert own["objective"].item() == pytest.approx(expected.item())
    assert ("gradient penalty" in own) == (objective == "wgan_gp")


@every_objective
def test_gradients_of_both_players_are_those_of_their_values(objective: ObjectiveName) -> None:
    loss = judged(objective, 1, regularise="r1", feature_matching=0.5).double()
    sr, hr = (image[:, :, :7, :7].double() for image in pair(1))

    def told(sr: Tensor) -> Tensor:
        return torch.stack(list(loss(sr, hr, batch_at()).values())).sum()

    def taught(weight: Tensor) -> Tensor:
        torch.manual_seed(3)  # the interpolates of wgan_gp
        other = copy.deepcopy(loss)
        del other.discriminator.last.weight  # type: ignore[union-attr]
        other.discriminator.last.weight = weight  # type: ignore[union-attr]
        return other.own_objective(sr, hr, batch_at())["objective"]

    assert torch.autograd.gradcheck(told, sr.clone().requires_grad_())
    weight = loss.discriminator.last.weight.detach().clone().requires_grad_()  # type: ignore[union-attr]
    assert torch.autograd.gradcheck(taught, weight)


@every_objective
def test_the_log_shows_both_kinds_and_who_is_ahead(objective: ObjectiveName) -> None:
    own = judged(objective).own_objective(*pair(), batch_at())
    names = {"D(real)", "D(fake)"} if objective in PROBABLE else {"critic(real)", "critic(fake)"}
    assert names | {"separation"} <= set(own)
    for name, value in own.items():
        assert value.requires_grad == (name == "objective")
        if name.startswith("D(") or name == "separation":
            assert 0 <= value <= 1


def test_probabilities_and_scores_in_the_log() -> None:
    """Verdicts are sums of pixels times ln 3: real 1, made −1; σ(ln 3) = ¾."""
    weight = torch.full((1, 1, 1), 3.0).log()
    hr = torch.ones(2, 1, 1, 1)
    for objective, real, fake in (("non_saturating", 0.75, 0.25), ("relativistic_average", 0.9, 0.1)):
        own = AdversarialLoss(LinearJudge(weight), objective).own_objective(-hr, hr, batch_at())  # type: ignore[arg-type]
        assert own["D(real)"].item() == pytest.approx(real)
        assert own["D(fake)"].item() == pytest.approx(fake)
        assert own["separation"].item() == 1
    own = AdversarialLoss(LinearJudge(weight), "hinge").own_objective(-hr, hr, batch_at())
    assert own["critic(real)"].item() == pytest.approx(weight.item())
    assert own["critic(fake)"].item() == pytest.approx(-weight.item())


def test_penalties_of_a_slope_that_is_known() -> None:
    """The norm runs over all planes and pixels: √(12 · 0.25) and not 0.5."""
    judge = LinearJudge(torch.full((3, 2, 2), 0.5))
    real, fake = torch.rand(4, 3, 2, 2), torch.rand(4, 3, 2, 2)
    assert interpolation_penalty(judge, real, fake).item() == pytest.approx((12**0.5 / 2 - 1) ** 2)
    assert squared_slope(judge, real).item() == pytest.approx(3)


def test_a_penalty_has_a_gradient_where_the_slope_is_nothing() -> None:
    judge = LinearJudge(torch.zeros(1, 2, 2))
    interpolation_penalty(judge, torch.rand(2, 1, 2, 2), torch.rand(2, 1, 2, 2)).backward()  # type: ignore[no-untyped-call]
    assert judge.weight.grad is not None
    assert judge.weight.grad.isfinite().all()


def test_the_slope_of_a_map_of_verdicts_is_that_of_their_mean() -> None:
    judge, (_, real) = PatchJudge(), pair()
    real.requires_grad_()
    expected = 0.0
    for index in range(2):
        (slope,) = torch.autograd.grad(judge(real[index : index + 1]).mean(), real)
        expected += slope.square().sum().item() / 2
    assert squared_slope(judge, real.detach()).item() == pytest.approx(expected, rel=1e-5)


def test_interpolates_lie_between_both_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []

    class Watching(LinearJudge):
        def forward(self, image: Tensor) -> Tensor:
            seen.append(image.detach())
            return super().forward(image)

    real, fake = torch.ones(500, 1, 2, 2), torch.zeros(500, 1, 2, 2)
    interpolation_penalty(Watching(torch.ones(1, 2, 2)), real, fake)
    shares = seen[0].flatten(1)
    assert torch.equal(shares, shares[:, :1].expand(-1, 4)), "one share a picture"
    assert shares.min() >= 0
    assert shares.max() <= 1
    assert shares.mean().item() == pytest.approx(0.5, abs=0.06)
    assert shares[:, 0].std().item() == pytest.approx(12**-0.5, abs=0.03)


def test_r1_is_half_of_gamma_times_the_square_and_may_be_lazy() -> None:
    sr, hr = pair()
    plain = judged().own_objective(sr, hr, batch_at())["objective"].item()
    square = squared_slope(judged().discriminator, hr).item()
    always, lazy = judged(regularise="r1", r1_weight=4.0), judged(regularise="r1", r1_weight=4.0, r1_every=16)
    for step in (0, 5, 16):
        found = always.own_objective(sr, hr, batch_at(step))
        assert found["objective"].item() == pytest.approx(plain + 2 * square)
        assert found["r1"].item() == pytest.approx(2 * square)
        rarely = lazy.own_objective(sr, hr, batch_at(step))
        assert ("r1" in rarely) == (step % 16 == 0)
        assert rarely["objective"].item() == pytest.approx(plain + (32 * square if step % 16 == 0 else 0))


@pytest.mark.parametrize("options", [{"objective": "wgan_gp"}, {"regularise": "r1"}], ids=["wgan_gp", "r1"])
def test_autocast_runs_the_discriminator_and_not_its_penalty(options: dict[str, Any]) -> None:
    loss, (sr, hr) = judged(**options), pair()
    name = "gradient penalty" if "objective" in options else "r1"
    torch.manual_seed(4)
    exact = loss.own_objective(sr, hr, batch_at())
    torch.manual_seed(4)
    with torch.autocast("cpu", torch.bfloat16):
        low = loss.own_objective(sr, hr, batch_at())
        told = loss(sr, hr, batch_at())["adversarial"]
    assert torch.equal(low[name], exact[name])
    assert {value.dtype for value in (*low.values(), told)} == {torch.float32}
    assert low["objective"].item() == pytest.approx(exact["objective"].item(), rel=0.02)
    gradients = torch.autograd.grad(low["objective"], list(loss.parameters()))
    assert all(gradient.isfinite().all() for gradient in gradients)


@every_objective
def test_verdicts_are_compared_in_float32_whatever_autocast_says(objective: ObjectiveName) -> None:
    loss = AdversarialLoss(LinearJudge(torch.full((1, 12, 10), 0.02)), objective, feature_matching=0)
    sr, hr = pair(1)
    torch.manual_seed(0)
    exact = loss.own_objective(sr, hr, batch_at())["objective"], loss(sr, hr, batch_at())["adversarial"]
    torch.manual_seed(0)
    with torch.autocast("cpu", torch.bfloat16):
        low = loss.own_objective(sr, hr, batch_at())["objective"], loss(sr, hr, batch_at())["adversarial"]
    assert low == exact


@every_objective
def test_gradients_are_finite_where_sr_is_hr(objective: ObjectiveName) -> None:
    loss, (_, hr) = judged(objective, regularise="r1", feature_matching=1.0), pair()
    sr = hr.clone().requires_grad_()
    told = loss(sr, hr, batch_at())
    assert told["feature matching"] == 0
    (gradient,) = torch.autograd.grad(told["adversarial"] + told["feature matching"], sr)
    taught = torch.autograd.grad(loss.own_objective(sr.detach(), hr, batch_at())["objective"], list(loss.parameters()))
    assert all(found.isfinite().all() for found in (gradient, *taught))


def test_in_the_warm_up_the_network_is_told_nothing() -> None:
    loss, (sr, hr) = judged(warmup=3, feature_matching=1.0), pair()
    sr.requires_grad_()
    for step in (0, 2):
        terms = loss(sr, hr, batch_at(step))
        assert {name: value.item() for name, value in terms.items()} == {"adversarial": 0}
        (gradient,) = torch.autograd.grad(terms["adversarial"], sr)
        assert not gradient.any()
        assert loss.own_objective(sr.detach(), hr, batch_at(step))["objective"].requires_grad
    assert set(loss(sr, hr, batch_at(3))) == {"adversarial", "feature matching"}


def test_feature_matching_compares_the_stages_before_the_verdict() -> None:
    loss, (sr, hr) = judged(feature_matching=3.0), pair()
    (made, _), (genuine, _) = loss.discriminator.stages(sr), loss.discriminator.stages(hr)
    found = loss(sr, hr, batch_at())["feature matching"].item()
    assert found == pytest.approx(3 * (made - genuine).abs().mean().item())


def test_feature_matching_needs_features() -> None:
    loss = AdversarialLoss(LinearJudge(torch.ones(1, 2, 2)), feature_matching=1.0)
    with pytest.raises(SrkitError, match="compares feature maps, and LinearJudge shows its verdict alone"):
        loss(torch.rand(1, 1, 2, 2), torch.rand(1, 1, 2, 2), batch_at())


def test_only_feature_matching_needs_pairs() -> None:
    assert not judged().needs_pairs
    assert judged(feature_matching=0.1).needs_pairs


def test_the_clipping_of_wgan_leaves_no_weight_larger_and_frozen_ones_alone() -> None:
    loss = judged("wgan", clip=0.05)
    loss.discriminator.last.requires_grad_(requires_grad=False)  # type: ignore[union-attr]
    before = copy.deepcopy(loss.discriminator.state_dict())
    loss.after_own_step()
    after = loss.discriminator.state_dict()
    assert torch.equal(after["last.weight"], before["last.weight"])
    assert torch.equal(after["first.weight"], before["first.weight"].clamp(-0.05, 0.05))
    assert before["first.weight"].abs().max() > 0.05
    other = judged("hinge", clip=0.05)
    other.after_own_step()
    assert torch.equal(other.discriminator.state_dict()["first.weight"], before["first.weight"])


def test_real_and_made_pictures_are_normalised_apart() -> None:
    """In one pass statistics of both kinds together would tell them apart."""
    torch.manual_seed(0)
    judge = PatchJudge(batch_norm=True)
    loss, (sr, hr) = AdversarialLoss(judge), pair()
    expected = OBJECTIVES["non_saturating"].discriminator(judge(hr), judge(0.5 * sr))
    assert loss.own_objective(0.5 * sr, hr, batch_at())["objective"].item() == pytest.approx(expected.item())


@pytest.mark.parametrize(
    ("judge", "options", "message"),
    [
        (PatchJudge(batch_norm=True), {"objective": "wgan_gp"}, "batch normalisation mixes the pictures of a batch"),
        (PatchJudge(), {"objective": "wgan", "augment": "ada"}, "take minimax, non_saturating, lsgan, hinge, relat"),
    ],
    ids=["normalised critic", "augmented critic"],
)
def test_what_does_not_go_together_is_refused(judge: PatchJudge, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AdversarialLoss(judge, **options)


RATE, STEPS, PICTURES = 1e-2, 400, 64
SETTINGS: dict[str, dict[str, Any]] = {"wgan": {"clip": 0.1}, "wgan_gp": {"own_steps": 3}}
"""Of an objective, where it needs others: weights of two layers must be larger than 0.01 to say anything."""


@pytest.mark.slow
@every_objective
def test_a_shift_is_learned_from_verdicts_alone(objective: ObjectiveName) -> None:
    """Made: N(0, 1) moved by a number that is learned; real: N(1, 1); pictures of four such pixels.

    Both players take Adam (β 0.5 and 0.9) at one rate; the generator's falls to nothing in a straight line.
    """
    torch.manual_seed(0)
    loss = AdversarialLoss(PointJudge(pixels=4), objective, **SETTINGS.get(objective, {}))
    shift = torch.zeros((), requires_grad=True)
    generator = torch.optim.Adam([shift], RATE, betas=(0.5, 0.9))
    discriminator = torch.optim.Adam(loss.parameters(), RATE, betas=(0.5, 0.9))
    for step in range(STEPS):
        for _ in range(loss.own_steps):
            made, real = torch.randn(PICTURES, 1, 2, 2) + shift.detach(), torch.randn(PICTURES, 1, 2, 2) + 1
            discriminator.zero_grad()
            loss.own_objective(made, real, batch_at(step))["objective"].backward()  # type: ignore[no-untyped-call]
            discriminator.step()
            loss.after_own_step()
        made, real = torch.randn(PICTURES, 1, 2, 2) + shift, torch.randn(PICTURES, 1, 2, 2) + 1
        (shift.grad,) = torch.autograd.grad(loss(made, real, batch_at(step))["adversarial"], shift)
        generator.param_groups[0]["lr"] = RATE * (1 - step / STEPS)
        generator.step()
    assert abs(shift.item() - 1) <= 0.1
