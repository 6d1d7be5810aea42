"""Chance that depends on (seed, step, index in the global batch) alone."""

from __future__ import annotations

import torch

from sr_core import SampleRandom


def test_a_sample_draws_the_same_whatever_batch_it_is_in() -> None:
    whole = SampleRandom(1, 7, range(4))
    half = SampleRandom(1, 7, [2, 3])
    for _ in range(2):
        assert torch.equal(whole.uniform(0, 1, 3)[2:], half.uniform(0, 1, 3))
        assert torch.equal(whole.normal(2, 2)[2:], half.normal(2, 2))


def test_seed_step_and_index_each_change_the_draw() -> None:
    draws = [
        SampleRandom(*key, [index]).uniform(0, 1).item() for *key, index in ((1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 2))
    ]
    assert len(set(draws)) == 4


def test_ranges_and_probabilities_are_kept() -> None:
    random = SampleRandom(3, 0, range(2000))
    uniform, integers, choice = random.uniform(-2, 2), random.integers(3, 6), random.choice([1, 0, 3])
    assert -2 <= uniform.min() < -1.9
    assert 1.9 < uniform.max() < 2
    assert sorted(integers.unique().tolist()) == [3, 4, 5]
    shares = torch.bincount(choice, minlength=3) / 2000
    assert torch.allclose(shares, torch.tensor([0.25, 0.0, 0.75]), atol=0.04)


def test_an_empty_batch_draws_nothing() -> None:
    assert SampleRandom(1, 0, []).normal(3, 4).shape == (0, 3, 4)
