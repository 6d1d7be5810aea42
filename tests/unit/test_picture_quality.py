"""The quality of JPEG and WebP is the caller's; without one, nothing is lost that need not be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from sr_core.errors import PictureError
from sr_core.imaging.files import Picture, write_picture
from tests.unit.picture_files import noise, read_by_another, save_with_pillow


def smooth() -> Picture:
    rows, columns = np.mgrid[:64, :96]
    planes = [np.sin(rows / 9) + np.cos(columns / 7), np.sin(columns / 11), np.cos((rows + columns) / 13)]
    return Picture.from_array((np.stack(planes, axis=-1) * 60 + 128).astype(np.uint8))


@pytest.mark.parametrize("quality", [1, 40, 75, 100])
def test_jpeg_quality_is_the_one_that_other_programs_mean(tmp_path: Path, quality: int) -> None:
    reference = save_with_pillow(tmp_path / "reference.jpg", smooth().to_array(), quality=quality)
    smooth().save(tmp_path / "ours.jpg", quality=quality)
    with Image.open(tmp_path / "ours.jpg") as ours, Image.open(reference) as theirs:
        assert ours.quantization == theirs.quantization  # type: ignore[attr-defined]
        assert JpegImagePlugin.get_sampling(ours) == 0  # 4:4:4


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp"])
def test_less_quality_is_a_smaller_file_and_a_larger_error(tmp_path: Path, suffix: str) -> None:
    sizes, errors = [], []
    for quality in (10, 50, 90):
        path = tmp_path / f"{quality}{suffix}"
        write_picture(smooth(), path, quality)
        sizes.append(path.stat().st_size)
        shown = read_by_another(path.rename(path.with_suffix(".jpg")) if suffix == ".jpeg" else path)
        errors.append(np.abs(shown.astype(int) - smooth().to_array()).mean())
    assert sizes == sorted(sizes)
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 3


def test_webp_without_a_quality_loses_nothing(tmp_path: Path) -> None:
    smooth().save(tmp_path / "out.webp")
    np.testing.assert_array_equal(read_by_another(tmp_path / "out.webp"), smooth().to_array())


def test_webp_with_a_quality_keeps_its_opacity_in_full(tmp_path: Path) -> None:
    samples = np.dstack([smooth().to_array(), noise((64, 96))])
    Picture.from_array(samples).save(tmp_path / "out.webp", quality=30)
    np.testing.assert_array_equal(read_by_another(tmp_path / "out.webp")[..., 3], samples[..., 3])


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".npy"])
def test_quality_of_a_format_that_has_none_is_an_error_that_says_which_have(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(PictureError, match=r"out.* has no quality to choose; JPEG and WebP have$"):
        smooth().save(tmp_path / f"out{suffix}", quality=90)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("quality", [0, 101, -5])
def test_quality_is_1_to_100(tmp_path: Path, quality: int) -> None:
    with pytest.raises(PictureError, match=f"quality: expected 1 to 100, got {quality}"):
        smooth().save(tmp_path / "out.jpg", quality=quality)
