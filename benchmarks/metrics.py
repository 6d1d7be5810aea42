"""PSNR and SSIM of luma of a 2040×1356 pair, against scikit-image's.

Reference: `structural_similarity` with the same Gaussian window and `peak_signal_noise_ratio`, in the same process
and on the same float64 planes; the two take turns, so that a busy machine slows both. scikit-image has one thread,
and so has torch here, unless `--threads` says otherwise. The last line printed is JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import skimage
import torch
from machine import machine_facts
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from sr_core.metrics.psnr import psnr
from sr_core.metrics.ssim import ssim

SIZE = (1356, 2040)

Measure = Callable[[Tensor, Tensor], tuple[float, float]]


def ours(sr: Tensor, hr: Tensor) -> tuple[float, float]:
    """What is measured: PSNR and SSIM."""
    return float(psnr(sr, hr)), float(ssim(sr, hr))


def reference(sr: Tensor, hr: Tensor) -> tuple[float, float]:
    """What it is measured against."""
    first, second = sr[0, 0].numpy(), hr[0, 0].numpy()
    similarity = structural_similarity(
        first, second, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    return float(peak_signal_noise_ratio(second, first, data_range=1.0)), float(similarity)


def pair() -> tuple[Tensor, Tensor]:
    """(SR, HR), 1×1×H×W float64 in 8-bit levels / 255: smoothed noise, and the same with errors."""
    generator = torch.Generator().manual_seed(0)
    hr = torch.rand((1, 1, *SIZE), generator=generator, dtype=torch.float64)
    hr = torch.nn.functional.avg_pool2d(hr, 5, stride=1, padding=2)
    sr = hr + 0.03 * torch.randn(hr.shape, generator=generator, dtype=torch.float64)
    rounded = [torch.floor(image.clamp(0, 1) * 255 + 0.5) / 255 for image in (sr, hr)]
    return rounded[0], rounded[1]


def seconds(measure: Measure, sr: Tensor, hr: Tensor) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    measure(sr, hr)
    return time.perf_counter() - start


def main() -> None:
    """Measure, then print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21, help="timed calls of each side")
    parser.add_argument("--threads", type=int, default=1, help="of torch; scikit-image has one")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    sr, hr = pair()
    with torch.inference_mode():
        figures, expected = ours(sr, hr), reference(sr, hr)
        times = [(seconds(ours, sr, hr), seconds(reference, sr, hr)) for _ in range(options.rounds + 2)][2:]
    own, theirs = (statistics.median(side) for side in zip(*times, strict=True))
    print(f"PSNR {figures[0]:.4f} dB, SSIM {figures[1]:.6f}; scikit-image, borders included: {expected[1]:.6f}")
    print(f"{1e3 * own:.1f} ms, scikit-image {1e3 * theirs:.1f} ms, {options.threads} threads")
    facts = {
        "versus_scikit_image": round(theirs / own, 3),
        "seconds": round(own, 5),
        "scikit_image_seconds": round(theirs, 5),
        "threads": options.threads,
        "scikit_image": skimage.__version__,
        **machine_facts(),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
