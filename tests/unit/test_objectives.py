"""What the two players of a GAN want: each objective against its formula, verdicts of any size, and who is ahead."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sr_plugins_gan.objectives import OBJECTIVES, ObjectiveName, separation

Verdicts = NDArray[np.float64]

RANDOM = np.random.default_rng(7)
SHAPES = ((5, 1), (4, 1, 2, 3))
"""One verdict a picture, and a map of them."""


def sigmoid(x: Verdicts) -> Verdicts:
    return 1 / (1 + np.exp(-x))


def relativistic(positive: Verdicts, negative: Verdicts) -> float:
    ahead, behind = sigmoid(positive - negative.mean()), sigmoid(negative - positive.mean())
    return float(-np.log(ahead).mean() - np.log(1 - behind).mean()) / 2


DISCRIMINATOR: dict[ObjectiveName, Callable[[Verdicts, Verdicts], float]] = {
    "minimax": lambda real, fake: -np.log(sigmoid(real)).mean() - np.log(1 - sigmoid(fake)).mean(),
    "non_saturating": lambda real, fake: -np.log(sigmoid(real)).mean() - np.log(1 - sigmoid(fake)).mean(),
    "lsgan": lambda real, fake: ((real - 1) ** 2).mean() + (fake**2).mean(),
    "wgan": lambda real, fake: fake.mean() - real.mean(),
    "wgan_gp": lambda real, fake: fake.mean() - real.mean(),
    "hinge": lambda real, fake: np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + fake).mean(),
    "relativistic_average": relativistic,
}
GENERATOR: dict[ObjectiveName, Callable[[Verdicts, Verdicts], float]] = {
    "minimax": lambda real, fake: np.log(1 - sigmoid(fake)).mean(),
    "non_saturating": lambda real, fake: -np.log(sigmoid(fake)).mean(),
    "lsgan": lambda real, fake: ((fake - 1) ** 2).mean(),
    "wgan": lambda real, fake: -fake.mean(),
    "wgan_gp": lambda real, fake: -fake.mean(),
    "hinge": lambda real, fake: -fake.mean(),
    "relativistic_average": lambda real, fake: relativistic(fake, real),
}

every_objective = pytest.mark.parametrize("name", list(OBJECTIVES))


@every_objective
@pytest.mark.parametrize("shape", SHAPES)
def test_both_players_minimise_what_the_paper_says(name: ObjectiveName, shape: tuple[int, ...]) -> None:
    real, fake = RANDOM.normal(1, 2, shape), RANDOM.normal(-1, 2, shape)
    objective = OBJECTIVES[name]
    given = torch.from_numpy(real), torch.from_numpy(fake)
    assert objective.discriminator(*given).item() == pytest.approx(DISCRIMINATOR[name](real, fake), rel=1e-12)
    assert objective.generator(given[1], given[0]).item() == pytest.approx(GENERATOR[name](real, fake), rel=1e-12)


@every_objective
def test_gradients_are_those_of_the_values(name: ObjectiveName) -> None:
    real, fake = (torch.from_numpy(RANDOM.normal(0, 2, (3, 1, 2, 2))).requires_grad_() for _ in range(2))
    assert torch.autograd.gradcheck(OBJECTIVES[name].discriminator, (real, fake))
    assert torch.autograd.gradcheck(OBJECTIVES[name].generator, (fake, real))


@every_objective
def test_the_players_pull_verdicts_on_made_pictures_in_opposite_directions(name: ObjectiveName) -> None:
    real, fake = torch.full((4, 1), 0.3), torch.full((4, 1), 0.2, requires_grad=True)
    (down,) = torch.autograd.grad(OBJECTIVES[name].discriminator(real, fake), fake)
    (up,) = torch.autograd.grad(OBJECTIVES[name].generator(fake, real), fake)
    assert (down > 0).all(), "the discriminator lowers them"
    assert (up < 0).all(), "the generator raises them"


@every_objective
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_verdicts_of_any_size_stay_finite(name: ObjectiveName, size: float) -> None:
    real, fake = torch.full((2, 1), size, requires_grad=True), torch.full((2, 1), -size, requires_grad=True)
    objective = OBJECTIVES[name]
    total = objective.discriminator(real, fake) + objective.generator(fake, real)
    gradients = torch.autograd.grad(total, (real, fake))
    assert total.isfinite()
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_the_saturating_generator_hears_nothing_of_a_discriminator_that_has_won() -> None:
    fake = torch.full((1, 1), -20.0, requires_grad=True)
    (saturating,) = torch.autograd.grad(OBJECTIVES["minimax"].generator(fake, None), fake)
    (steep,) = torch.autograd.grad(OBJECTIVES["non_saturating"].generator(fake, None), fake)
    assert -1e-8 < saturating.item() < 0
    assert steep.item() == pytest.approx(-1, abs=1e-6)


def test_the_relativistic_generator_learns_through_both_terms() -> None:
    """Two verdicts of each kind, by hand: real 1 and 3, made 0 and 0; σ is the logistic function."""
    real, fake = torch.tensor([[1.0], [3.0]]), torch.zeros(2, 1, requires_grad=True)
    (gradient,) = torch.autograd.grad(OBJECTIVES["relativistic_average"].generator(fake, real), fake)
    sigma = [1 / (1 + math.exp(-x)) for x in (1, 3, 2)]
    # Its own verdict less the real mean of 2: −(1 − σ(−2)) / 2 a picture; its share in the mean that real is less by.
    expected = (-sigma[2] / 2 - (sigma[0] + sigma[1]) / 4) / 2
    torch.testing.assert_close(gradient, torch.full((2, 1), expected))


def test_a_relativistic_generator_without_real_verdicts_is_an_error() -> None:
    with pytest.raises(ValueError, match="needs the verdict on real pictures"):
        OBJECTIVES["relativistic_average"].generator(torch.zeros(1, 1), None)


@pytest.mark.parametrize("shape", SHAPES)
def test_separation_is_the_share_of_pairs_in_the_right_order(shape: tuple[int, ...]) -> None:
    real, fake = RANDOM.integers(0, 4, shape), RANDOM.integers(0, 4, shape)
    means = [[float(picture.mean()) for picture in kind] for kind in (real, fake)]
    right = [1.0 if one > other else 0.5 if one == other else 0.0 for one, other in itertools.product(*means)]
    found = separation(torch.from_numpy(real).double(), torch.from_numpy(fake).double())
    assert found.item() == pytest.approx(sum(right) / len(right))


def test_separation_of_a_blind_a_winning_and_a_misled_discriminator() -> None:
    same, high = torch.zeros(3, 1), torch.ones(3, 1)
    assert separation(same, same).item() == 0.5
    assert separation(high, same).item() == 1
    assert separation(same, high).item() == 0
