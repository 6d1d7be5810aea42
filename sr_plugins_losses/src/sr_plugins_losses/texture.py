"""Texture loss: which features occur together, wherever they are."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor

from sr_core import Batch, FeatureNetwork, SrkitError
from sr_plugins_losses.looking import Activation, Criterion, FeatureLoss, Layers, difference


def gram_matrix(features: Tensor) -> Tensor:
    """F Fᵀ / (c·h·w) of feature maps N×c×h×w, each row of F one map: N×c×c.

    Source: Gatys, Ecker and Bethge, CVPR 2016; divided as in Johnson et al., ECCV 2016.
    """
    rows = features.flatten(2)
    return rows @ rows.transpose(1, 2) / rows[0].numel()


class Texture(FeatureLoss):
    """Σ weight · mean |G(SR) − G(HR)|ᵖ over Gram matrices G of layers of a feature network, for RGB pictures.

    A Gram matrix tells which features occur together and not where (Gatys et al., CVPR 2016). With `patch`, each square
    of the picture has its own, as EnhanceNet needs it so that a texture stays in its place (Sajjadi et al., ICCV 2017):
    its patches are of 16 pixels, and its layers the defaults here. The paper counts pixels of the picture, and so does
    this; ports count places of each layer's feature map.

    Args:
        network: what looks at the pictures; VGG-19 with its published weights by default.
        layers: names, or names with weights.
        activation: `after`: a `conv` layer's features behind its ReLU; `before`: as they are.
        criterion: `l2`: squares, or `l1`.
        patch: side in pixels of the squares with a Gram matrix each; a row or column of pixels that fills none is left
            out. By default the whole picture has one.
    """

    def __init__(
        self,
        network: FeatureNetwork | None = None,
        layers: Layers = ("conv1_1", "conv2_1", "conv3_1"),
        activation: Activation = "after",
        criterion: Criterion = "l2",
        patch: Annotated[int, Field(ge=1)] | None = None,
    ) -> None:
        super().__init__(network, layers, activation)
        self.criterion: Criterion = criterion
        self.patch = patch

    def distance(self, sr: Tensor, hr: Tensor, image: Tensor, batch: Batch) -> Tensor:
        """Mean difference of Gram matrices.

        Raises:
            SrkitError: a patch is smaller than one place of the layer, no whole number of them, or larger than the
                picture.
        """
        del batch
        if self.patch is not None:
            side = self._places(image, sr)
            sr, hr = patches(sr, side), patches(hr, side)
        return difference(gram_matrix(sr), gram_matrix(hr), self.criterion)

    def _places(self, image: Tensor, features: Tensor) -> int:
        """A patch's side in places of a layer."""
        assert self.patch is not None  # noqa: S101 - only then it is asked for
        stride = max(round(image.shape[-1] / features.shape[-1]), 1)
        if self.patch % stride:
            raise SrkitError(f"patch {self.patch} must be a multiple of {stride}, the pixels of one place of the layer")
        side = self.patch // stride
        if side > min(features.shape[-2:]):
            found = f"{image.shape[-2]}×{image.shape[-1]}"
            raise SrkitError(f"patch {self.patch} is larger than the picture of {found}; take larger crops")
        return side


def patches(features: Tensor, side: int) -> Tensor:
    """Squares of N×c×h×w that do not overlap, as pictures of their own: N·rows·columns × c × side × side."""
    rows, columns = (length // side for length in features.shape[-2:])
    count, planes = features.shape[:2]
    whole = features[..., : rows * side, : columns * side]
    squares = whole.reshape(count, planes, rows, side, columns, side).permute(0, 2, 4, 1, 3, 5)
    return squares.reshape(count * rows * columns, planes, side, side)
