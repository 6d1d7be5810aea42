"""Feature distance: exact between Gaussians, and what it says of sets of pictures."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from torch import Tensor

from sr_core import SrkitError
from sr_core.testing import check_metric
from sr_plugins_losses.feature_distance import FeatureDistance, Statistics, frechet_distance, shrunk
from tests.unit.small_features import SmallFeatures, features_of


def gaussian(seed: int, planes: int = 6, rank: int = 9) -> Statistics:
    random = np.random.default_rng(seed)
    factor = random.normal(size=(planes, rank))
    return Statistics(torch.from_numpy(random.normal(size=planes)), torch.from_numpy(factor @ factor.T), 100)


def photographs(count: int, seed: int, *, noise: float = 0.05) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    smooth = [torch.rand((1, 3, 5, 5), generator=generator, dtype=torch.float64) for _ in range(count)]
    grown = [torch.nn.functional.interpolate(small, size=(20, 24), mode="bilinear") for small in smooth]
    return [image + noise * torch.randn(image.shape, generator=generator, dtype=torch.float64) for image in grown]


def in_numpy(a: Statistics, b: Statistics) -> float:
    root = sqrtm(a.covariance.numpy() @ b.covariance.numpy())
    spread = np.trace(a.covariance.numpy() + b.covariance.numpy() - 2 * root.real)
    return float(np.square(a.mean.numpy() - b.mean.numpy()).sum() + spread)


def test_between_gaussians_it_is_the_formula_with_a_matrix_root() -> None:
    for seed in range(5):
        a, b = gaussian(seed), gaussian(seed + 100)
        assert frechet_distance(a, b) == pytest.approx(in_numpy(a, b), rel=1e-9)
        assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-9)


def test_between_gaussians_of_one_dimension_it_is_two_squares() -> None:
    a, b = (
        Statistics(torch.tensor([mean], dtype=torch.float64), torch.tensor([[deviation**2]], dtype=torch.float64), 9)
        for mean, deviation in ((1.0, 2.0), (4.0, 0.5))
    )
    assert frechet_distance(a, b) == pytest.approx(3.0**2 + 1.5**2)


def test_covariances_without_full_rank_do_no_harm() -> None:
    a = gaussian(1, planes=8, rank=3)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-5)
    shifted = a._replace(mean=a.mean + 1)
    assert frechet_distance(a, shifted) == pytest.approx(8, abs=1e-5)


@pytest.mark.parametrize("spatial", [False, True])
def test_its_statistics_are_numpys(spatial: bool) -> None:
    pictures = photographs(7, seed=1)
    rows = []
    for picture in pictures:
        seen = features_of(SmallFeatures(), picture)["relu2_1"][0].reshape(5, -1)
        rows += list(seen.T) if spatial else [seen.mean(axis=1)]
    found = FeatureDistance(SmallFeatures(), "relu2_1", spatial=spatial).statistics(pictures)
    assert found.samples == len(rows)
    assert np.allclose(found.mean, np.mean(rows, axis=0), atol=1e-6)
    assert np.allclose(found.covariance, np.cov(np.array(rows).T), atol=1e-6)


def test_a_set_is_like_itself_and_its_like_and_unlike_a_noisy_one() -> None:
    metric = FeatureDistance(SmallFeatures(), "relu2_1", spatial=True)
    one, like, noisy = photographs(8, seed=1), photographs(8, seed=2), photographs(8, seed=3, noise=0.3)
    assert metric(one, one) == pytest.approx(0, abs=1e-6)
    assert metric(one, one[::-1]) == pytest.approx(0, abs=1e-6)
    assert 0 < 10 * metric(one, like) < metric(one, noisy)


def test_pictures_of_a_set_may_differ_in_size() -> None:
    sizes = [torch.rand(1, 3, 16, 16 + 2 * index) for index in range(8)]
    assert FeatureDistance(SmallFeatures(), "conv1_1")(sizes, sizes) == pytest.approx(0, abs=1e-6)


def test_few_pictures_have_a_shrunk_covariance_and_it_says_so(caplog: pytest.LogCaptureFixture) -> None:
    pictures = photographs(4, seed=1)
    with caplog.at_level(logging.WARNING, "srkit"):
        found = FeatureDistance(SmallFeatures(), "relu2_1").statistics(pictures)
    assert "4 samples for 5 feature maps, so the covariance is shrunk" in caplog.text
    assert np.linalg.matrix_rank(found.covariance.numpy()) == 5
    with caplog.at_level(logging.WARNING, "srkit"):
        caplog.clear()
        FeatureDistance(SmallFeatures(), "relu2_1").statistics(photographs(6, seed=1))
    assert not caplog.text


def test_shrinkage_by_hand() -> None:
    # S = diag(2, 0), p = 2, n = 2: trace 2, tr S² = 4; share = min(1, 4 / ((3 − 1) (4 − 2))) = 1.
    assert shrunk(torch.tensor([[2.0, 0.0], [0.0, 0.0]]), 2).tolist() == [[1, 0], [0, 1]]
    # p = 3, n = 9, S = diag(3, 0, 0): (9/3 + 9) / ((10 − 2/3) (9 − 3)) = 12 / 56.
    share = 12 / 56
    expected = [3 * (1 - share) + share, share, share]
    assert shrunk(torch.diag(torch.tensor([3.0, 0.0, 0.0])), 9).diagonal().tolist() == pytest.approx(expected)
    assert shrunk(torch.eye(3), 2).tolist() == torch.eye(3).tolist()


def test_one_picture_is_no_set_unless_its_places_count() -> None:
    one = photographs(1, seed=1)
    with pytest.raises(SrkitError, match="needs two pictures at least, found 1; or write 'spatial: true'"):
        FeatureDistance(SmallFeatures(), "relu2_1")(one, one)
    assert FeatureDistance(SmallFeatures(), "relu2_1", spatial=True)(one, one) == pytest.approx(0, abs=1e-6)


def test_without_weights_it_names_the_three_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRKIT_CACHE", str(tmp_path))
    with pytest.raises(SrkitError, match=r"Three ways out: 'weights: download'.*'weights: FILE'.*'weights: random'"):
        FeatureDistance()


def test_by_random_weights_its_figures_say_so() -> None:
    assert FeatureDistance(SmallFeatures(origin="random"), "relu2_1").unit == "random weights"
    assert FeatureDistance(SmallFeatures(), "relu2_1").unit == ""


def test_a_layer_that_is_not_there_is_told_those_that_are() -> None:
    with pytest.raises(ValueError, match="no layer 'relu2_2'; it has conv1_1, relu1_1, conv2_1, relu2_1"):
        FeatureDistance(SmallFeatures())


def test_it_keeps_its_contract() -> None:
    check_metric(FeatureDistance(SmallFeatures(), "relu2_1"))
