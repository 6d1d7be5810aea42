"""One sample's chance: its parameters and its fields of noise depend on (seed, step, index) alone."""

from __future__ import annotations

import pytest
import torch

from sr_core import SampleRandom
from sr_core.degradations.chance import Chance


def test_a_sample_drawn_alone_continues_its_stream() -> None:
    batch, same = SampleRandom(1, 7, range(4)), SampleRandom(1, 7, range(4))
    first, then = batch.sample(2).uniform(0, 1, 3), batch.uniform(0, 1, 3)
    assert torch.equal(first[0], same.uniform(0, 1, 3)[2])
    assert torch.equal(then[2], same.uniform(0, 1, 3)[2])
    assert len(batch.sample(2)) == 1


def test_counts_have_the_mean_and_the_variance_of_their_rates() -> None:
    rates = torch.tensor([0.0, 0.5, 20.0, 200.0]).repeat_interleave(20000).expand(2, -1)
    counts = SampleRandom(0, 0, [4, 5]).poisson(rates).view(2, 4, -1)
    assert torch.equal(counts[:, 0], torch.zeros_like(counts[:, 0]))
    for level, rate in ((1, 0.5), (2, 20.0), (3, 200.0)):
        # 5 standard errors of a mean of 20,000, and of a variance that is about normal.
        assert counts[:, level].mean(1).tolist() == pytest.approx([rate] * 2, abs=5 * (rate / 20000) ** 0.5)
        assert counts[:, level].var(1).tolist() == pytest.approx([rate] * 2, rel=5 * ((2 + 1 / rate) / 20000) ** 0.5)
    assert not torch.equal(counts[0], counts[1])
    alone = SampleRandom(0, 0, [5]).poisson(rates[1:])
    assert torch.equal(alone[0], counts.view(2, -1)[1])
    assert SampleRandom(0, 0, []).poisson(torch.rand(0, 3)).shape == (0, 3)


def test_draws_keep_their_ranges_and_probabilities() -> None:
    chance = Chance(SampleRandom(2, 0, [0]))
    assert all(3 <= chance.uniform(3, 4) < 4 for _ in range(200))
    assert {chance.integer(2, 4) for _ in range(200)} == {2, 3, 4}
    assert chance.amount(1.5) == 1.5
    assert 1 <= chance.amount((1.0, 2.0)) < 2
    assert sum(chance.happens(0.3) for _ in range(4000)) == pytest.approx(1200, abs=5 * 29)
    choices = torch.bincount(torch.tensor([chance.choice((1, 0, 3)) for _ in range(4000)]), minlength=3)
    assert choices[1] == 0
    assert int(choices[0]) == pytest.approx(1000, abs=5 * 28)
    assert not any(chance.happens(0) for _ in range(100))
    assert all(chance.happens(1) for _ in range(100))


def test_orders_are_permutations_all_equally_probable() -> None:
    chance = Chance(SampleRandom(3, 0, [0]))
    orders = [tuple(chance.order(3)) for _ in range(6000)]
    assert len(set(orders)) == 6
    for order in set(orders):
        assert orders.count(order) == pytest.approx(1000, abs=5 * 29)
    assert chance.order(1) == [0]
