"""Natural image quality evaluator: how natural a picture looks, without a reference."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources

import torch
from torch import Tensor

from sr_core.imaging.color import rgb_to_y
from sr_core.interfaces.metric import Metric, Need
from sr_core.metrics.niqe_features import BLOCK, block_features


def niqe(image: Tensor) -> Tensor:
    """NIQE of each picture: how far its statistics are from those of pristine photographs; lower is better.

    The distance between two Gaussians, one fitted to the features of the picture's blocks of 96×96, one to those of
    125 photographs (the model of the authors' release, so figures are those of its MATLAB code and of BasicSR):

        √((ν₁ − ν₂)ᵀ ((Σ₁ + Σ₂) / 2)⁻¹ (ν₁ − ν₂))

    Luma is rounded to 8 bits; the picture is cut to whole blocks; the second resolution is MATLAB's `imresize`.
    Blocks with flat places only have no features and are left out. Small pictures have few blocks: their figures
    cannot be compared with those of large ones.

    Args:
        image: N×1×H×W luma or N×3×H×W RGB, whose luma is taken (MATLAB's Y); in [0, 1].

    Returns:
        N values.

    Raises:
        ValueError: fewer than two blocks fit or have features, or the planes are neither one nor three.

    Source: Mittal, Soundararajan and Bovik, "Making a 'completely blind' image quality analyzer", IEEE Signal
    Processing Letters 2013.
    """
    if image.shape[1] not in (1, 3):
        raise ValueError(f"NIQE takes one plane or RGB, not {image.shape[1]} planes")
    height, width = image.shape[-2:]
    if (height // BLOCK) * (width // BLOCK) < 2:
        raise ValueError(f"NIQE needs two blocks of {BLOCK}×{BLOCK} pixels, the picture has {height}×{width}")
    luma = rgb_to_y(image.double()) if image.shape[1] == 3 else image.double()
    levels = torch.floor(luma.clamp(0, 1) * 255 + 0.5)
    return torch.stack([_distance(plane) for plane in levels.squeeze(1)])


def _distance(levels: Tensor) -> Tensor:
    """NIQE of one plane, H×W in 0 … 255."""
    features = block_features(levels)
    features = features[features.isfinite().all(dim=1)]
    if len(features) < 2:
        raise ValueError("NIQE needs two blocks that are not flat")
    model_mean, model_covariance = (part.to(features) for part in _model())
    difference = features.mean(dim=0) - model_mean
    covariance = (torch.cov(features.T) + model_covariance) / 2
    return torch.sqrt(difference @ torch.linalg.pinv(covariance, hermitian=True) @ difference)


@lru_cache(maxsize=1)
def _model() -> tuple[Tensor, Tensor]:
    """Mean and covariance of the features of pristine photographs."""
    text = resources.files("sr_core.metrics").joinpath("niqe_model.json").read_text(encoding="utf-8")
    model = json.loads(text)
    return torch.tensor(model["mean"], dtype=torch.float64), torch.tensor(model["covariance"], dtype=torch.float64)


class NIQE(Metric):
    """Natural image quality evaluator (`niqe`)."""

    higher_is_better = False
    needs: Need = "nothing"
    decimals = 2

    def __call__(self, sr: Tensor, reference: Tensor) -> Tensor:
        """NIQE of each picture; the reference is not looked at."""
        del reference
        return niqe(sr)
