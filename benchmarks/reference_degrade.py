"""The reference of `degrade.py`: Real-ESRGAN's second-order degradation with NumPy, SciPy and Pillow, on the CPU.

What a careful person writes without PyTorch: one picture after the other, planes first, float32 throughout. Blurs by
`scipy.signal.fftconvolve` (all planes in one transform), resizing and JPEG by Pillow, noise by NumPy's generator. A
filter that changes nothing is skipped. Steps, probabilities and ranges are those of the released options (Wang et al.,
ICCVW 2021), and what is drawn is drawn for each picture.
"""

from __future__ import annotations

import io
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import signal, special

Planes = NDArray[np.float32]
"""C×H×W in [0, 1]."""

METHODS = (Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)


@dataclass(frozen=True)
class Stage:
    """The ranges of one of the two orders.

    Attributes:
        blur: probability of any blur.
        sigma: of the kernels.
        up_down_keep: probabilities of the three ways to resize.
        factors: of the resizing.
        sigma_noise: of Gaussian noise, in levels.
        poisson: factor of Poisson noise.
    """

    blur: float
    sigma: tuple[float, float]
    up_down_keep: tuple[float, float, float]
    factors: tuple[float, float]
    sigma_noise: tuple[float, float]
    poisson: tuple[float, float]


FIRST = Stage(1.0, (0.2, 3), (0.2, 0.7, 0.1), (0.15, 1.5), (1, 30), (0.05, 3))
SECOND = Stage(0.8, (0.2, 1.5), (0.3, 0.4, 0.3), (0.3, 1.2), (1, 25), (0.05, 2.5))
LINE = np.exp(-(np.arange(-25, 26) ** 2) / (2 * 8.0**2))
WIDE = np.outer(LINE, LINE) / LINE.sum() ** 2
"""Of the sharpening. 51 pixels wide, it takes half as long by FFT as by `scipy.ndimage.correlate1d`."""
KINDS = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)
SINC, GRAY, QUALITY, LAST_SINC = 0.1, 0.4, (30, 95), 0.8


def degrade(pictures: Planes, scale: int, seed: int, threads: int = 1) -> Planes:
    """LR of N×C×H×W pictures, each with its own chance; `threads` pictures at once."""
    chances = [np.random.default_rng((seed, index)) for index in range(len(pictures))]
    if threads == 1:
        return np.stack([degrade_one(*each, scale) for each in zip(pictures, chances, strict=True)])
    with ThreadPoolExecutor(threads) as pool:
        return np.stack(list(pool.map(degrade_one, pictures, chances, [scale] * len(pictures))))


def degrade_one(picture: Planes, chance: np.random.Generator, scale: int) -> Planes:
    """LR of one picture."""
    height, width = picture.shape[1] // scale, picture.shape[2] // scale
    image = sharpened(picture)
    image = filtered(image, random_kernel(FIRST, chance))
    factor = random_factor(FIRST, chance)
    image = resized(image, int(picture.shape[1] * factor), int(picture.shape[2] * factor), chance)
    image = jpeg(noisy(image, FIRST, chance), chance)
    if chance.random() < SECOND.blur:
        image = filtered(image, random_kernel(SECOND, chance))
    factor = random_factor(SECOND, chance)
    image = resized(image, int(height * factor), int(width * factor), chance)
    image = noisy(image, SECOND, chance)

    def back_to_size(image: Planes) -> Planes:
        image = resized(image, height, width, chance)
        if chance.random() < LAST_SINC:
            image = filtered(image, sinc_kernel(random_size(chance), chance.uniform(math.pi / 3, math.pi)))
        return image

    image = jpeg(back_to_size(image), chance) if chance.random() < 0.5 else back_to_size(jpeg(image, chance))
    return np.rint(image.clip(0, 1) * 255) / np.float32(255)


def sharpened(image: Planes) -> Planes:
    """Unsharp masking where it exceeds 10 levels: Gaussian of 51 pixels, half of the difference added."""
    residual = image - filtered(image, WIDE)
    mask = filtered((np.abs(residual) * 255 > 10).astype(np.float32), WIDE)
    sharp = (image + np.float32(0.5) * residual).clip(0, 1)
    return mask * sharp + (1 - mask) * image


def random_size(chance: np.random.Generator) -> int:
    """7, 9, …, 21."""
    return int(2 * chance.integers(3, 11) + 1)


def random_kernel(stage: Stage, chance: np.random.Generator) -> NDArray[np.float64]:
    """A kernel of one of the seven kinds."""
    size = random_size(chance)
    if chance.random() < SINC:
        return sinc_kernel(size, chance.uniform(math.pi / (3 if size < 13 else 5), math.pi))
    kind = int(chance.choice(6, p=KINDS))
    first = second = chance.uniform(*stage.sigma)
    angle = 0.0
    if kind % 2:
        second, angle = chance.uniform(*stage.sigma), chance.uniform(-math.pi, math.pi)
    offsets = np.arange(size) - size // 2
    x, y = np.meshgrid(offsets, offsets)
    along, across = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
    distance = (along / first) ** 2 + (across / second) ** 2
    if kind < 2:
        kernel = np.exp(-distance / 2)
    else:
        low, high = (0.5, 4) if kind < 4 else (1, 2)
        power = chance.uniform(low, 1) if chance.random() < 0.5 else chance.uniform(1, high)
        kernel = np.exp(-(distance**power) / 2) if kind < 4 else 1 / (1 + distance**power)
    return kernel / kernel.sum()


def sinc_kernel(size: int, cutoff: float) -> NDArray[np.float64]:
    """The circular low pass."""
    offsets = np.arange(size) - size // 2
    distance = np.hypot(*np.meshgrid(offsets, offsets))
    distance[size // 2, size // 2] = 1
    kernel = cutoff * special.j1(cutoff * distance) / (2 * math.pi * distance)
    kernel[size // 2, size // 2] = cutoff**2 / (4 * math.pi)
    return kernel / kernel.sum()


def filtered(image: Planes, kernel: NDArray[np.float64]) -> Planes:
    """Mirrored at the border."""
    radius = len(kernel) // 2
    padded = np.pad(image, ((0, 0), (radius, radius), (radius, radius)), mode="reflect")
    result: Planes = signal.fftconvolve(padded, kernel[None].astype(np.float32), mode="valid", axes=(1, 2))
    return result


def random_factor(stage: Stage, chance: np.random.Generator) -> float:
    """Larger, smaller or as it is."""
    kind = int(chance.choice(3, p=stage.up_down_keep))
    if kind == 0:
        return float(chance.uniform(1, stage.factors[1]))
    return float(chance.uniform(stage.factors[0], 1)) if kind == 1 else 1.0


def resized(image: Planes, height: int, width: int, chance: np.random.Generator) -> Planes:
    """By area, bilinear or bicubic; Pillow resizes planes in floating point."""
    method = METHODS[chance.integers(3)]
    if image.shape[1:] == (height, width):
        return image
    return np.stack([np.asarray(Image.fromarray(plane).resize((width, height), method)) for plane in image])


def noisy(image: Planes, stage: Stage, chance: np.random.Generator) -> Planes:
    """Gaussian or Poisson, in colour or gray."""
    gray = chance.random() < GRAY
    if chance.random() < 0.5:
        sigma = np.float32(chance.uniform(*stage.sigma_noise) / 255)
        shape = (1, *image.shape[1:]) if gray else image.shape
        noise = chance.standard_normal(shape, dtype=np.float32) * sigma
    else:
        factor = np.float32(chance.uniform(*stage.poisson))
        signal_levels = np.tensordot((0.299, 0.587, 0.114), image, 1)[None] if gray else image
        levels = np.rint(signal_levels * 255).clip(0, 255).astype(np.uint8)
        used = np.count_nonzero(np.bincount(levels.ravel(), minlength=256))
        rate = np.float32(2 ** math.ceil(math.log2(used)))
        exact = levels.astype(np.float32) / np.float32(255)
        noise = (chance.poisson(exact * rate).astype(np.float32) / rate - exact) * factor
    return (image + noise).clip(0, 1)


def jpeg(image: Planes, chance: np.random.Generator) -> Planes:
    """Written to memory and read again, with Pillow's own 4:2:0."""
    pixels = np.rint(image.clip(0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
    written = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(
        written, "jpeg", quality=int(chance.integers(*QUALITY, endpoint=True))
    )
    read = np.asarray(Image.open(written))
    return np.ascontiguousarray(read.transpose(2, 0, 1)).astype(np.float32) / np.float32(255)
