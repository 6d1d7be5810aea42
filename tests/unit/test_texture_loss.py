"""The texture loss: Gram matrices of whole pictures and of patches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from sr_core import Batch, SrkitError
from sr_core.testing import check_loss
from sr_plugins_losses.looking import Criterion
from sr_plugins_losses.texture import Texture, gram_matrix
from tests.unit.small_features import SmallFeatures, features_of, pictures

BATCH = Batch(lr=torch.zeros(2, 3, 4, 4), scale=2, step=0, progress=0.0)


def in_float64(**parameters: object) -> Texture:
    return Texture(SmallFeatures(), layers=("conv2_1",), **parameters).double()  # type: ignore[arg-type]


def value(loss: Texture, sr: Tensor, hr: Tensor) -> float:
    found = loss(sr, hr, BATCH)
    assert isinstance(found, Tensor)
    return found.item()


def gram(features: np.ndarray) -> np.ndarray:
    """F Fᵀ / (c h w) of one picture, sum by sum."""
    planes, height, width = features.shape
    sums = np.zeros((planes, planes))
    for row in range(height):
        for column in range(width):
            sums += np.outer(features[:, row, column], features[:, row, column])
    return sums / (planes * height * width)


def test_a_gram_matrix_by_hand() -> None:
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, 0.0]]]])  # two maps of 1×2
    assert gram_matrix(features).tolist() == [[[5 / 4, 3 / 4], [3 / 4, 9 / 4]]]


@pytest.mark.parametrize("criterion", ["l1", "l2"])
def test_it_is_the_mean_difference_of_gram_matrices(criterion: Criterion) -> None:
    sr, hr = pictures()
    seen = [features_of(SmallFeatures(), image)["relu2_1"] for image in (sr, hr)]
    differences = np.stack([gram(a) - gram(b) for a, b in zip(*seen, strict=True)])
    expected = np.abs(differences).mean() if criterion == "l1" else np.square(differences).mean()
    assert value(in_float64(criterion=criterion), sr, hr) == pytest.approx(expected, rel=1e-10)


def test_each_patch_has_a_gram_matrix_of_its_own_and_what_fills_none_is_left_out() -> None:
    sr, hr = pictures(size=(18, 26))
    seen = [features_of(SmallFeatures(), image)["relu2_1"] for image in (sr, hr)]  # 9×13 places
    differences = []
    for sample in range(2):
        for row in (0, 4):  # 8 pixels are 4 places
            for column in (0, 4, 8):
                a, b = (features[sample, :, row : row + 4, column : column + 4] for features in seen)
                differences.append(np.square(gram(a) - gram(b)).mean())
    assert value(in_float64(patch=8), sr, hr) == pytest.approx(np.mean(differences), rel=1e-10)


def test_where_a_texture_is_counts_only_with_patches() -> None:
    texture = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    flat = torch.full_like(texture, 0.5)
    sr, hr = torch.cat([texture, flat], dim=3), torch.cat([flat, texture], dim=3)
    whole, patched = (value(in_float64(patch=patch), sr, hr) for patch in (None, 16))
    assert patched > 100 * whole


def test_its_gradient_is_that_of_the_formula() -> None:
    sr, hr = pictures(size=(4, 8))
    for loss in (in_float64(), in_float64(patch=4, criterion="l1")):
        assert torch.autograd.gradcheck(lambda image, loss=loss: loss(image, hr, BATCH), sr.clone().requires_grad_())


def test_equal_pictures_cost_nothing_and_have_a_finite_gradient() -> None:
    _, hr = pictures()
    sr = hr.clone().requires_grad_()
    found = in_float64(patch=8)(sr, hr, BATCH)
    assert isinstance(found, Tensor)
    assert found.item() == 0
    found.backward()  # type: ignore[no-untyped-call]
    assert sr.grad is not None
    assert bool(sr.grad.isfinite().all())


def test_in_bfloat16_features_are_rounded_and_their_products_are_not() -> None:
    sr, hr = (image.float() for image in pictures())
    loss = Texture(SmallFeatures(), layers=("conv2_1",))
    with torch.autocast("cpu", torch.bfloat16):
        low = loss(sr, hr, BATCH)
    assert isinstance(low, Tensor)
    assert low.dtype == torch.float32
    assert low.item() == pytest.approx(value(loss, sr, hr), rel=0.05)


@pytest.mark.parametrize(
    ("patch", "said"), [(5, "patch 5 must be a multiple of 2"), (32, "patch 32 is larger than the picture of 16×16")]
)
def test_patches_that_do_not_fit_are_refused(patch: int, said: str) -> None:
    with pytest.raises(SrkitError, match=said):
        in_float64(patch=patch)(*pictures(), BATCH)


def test_it_keeps_its_contract() -> None:
    loss = Texture(SmallFeatures(), layers={"conv1_1": 0.5, "conv2_1": 1.0}, patch=16)
    assert loss.channels == "rgb"
    check_loss(loss)
