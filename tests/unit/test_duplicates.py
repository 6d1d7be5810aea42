"""Pictures that are both in training and in a test set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sr_core.data.duplicates import find_shared_pictures
from sr_core.data.pictures import list_pictures
from tests.conftest import textured


@pytest.fixture
def photograph() -> np.ndarray:
    return textured((40, 50), 3, 1)


def test_the_same_pixels_are_found_in_any_lossless_file_and_depth(tmp_path: Path, photograph: np.ndarray) -> None:
    test = tmp_path / "woman.png"
    Image.fromarray(photograph).save(test)
    Image.fromarray(photograph).save(tmp_path / "1.bmp")
    Image.fromarray(photograph).save(tmp_path / "2.webp", lossless=True)
    np.save(tmp_path / "3.npy", photograph.astype(np.uint16) * 257)
    Image.fromarray(255 - photograph).save(tmp_path / "4.png")
    training = [tmp_path / name for name in ("1.bmp", "2.webp", "3.npy", "4.png")]
    assert find_shared_pictures(training, [test]) == [(path, test) for path in training[:3]]


def test_gray_is_found_where_it_is_stored_as_three_planes(tmp_path: Path) -> None:
    gray = textured((40, 50), 1, 1)
    Image.fromarray(gray).save(tmp_path / "gray.png")
    Image.fromarray(np.stack([gray] * 3, axis=-1)).save(tmp_path / "rgb.png")
    assert find_shared_pictures([tmp_path / "rgb.png"], [tmp_path / "gray.png"]) != []


def test_a_photograph_that_its_metadata_turns_is_found(tmp_path: Path, photograph: np.ndarray) -> None:
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(photograph)))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    turned.save(tmp_path / "turned.png", exif=exif)
    Image.fromarray(photograph).save(tmp_path / "upright.png")
    assert find_shared_pictures([tmp_path / "turned.png"], [tmp_path / "upright.png"]) != []


def test_files_that_cannot_be_read_are_passed_over(tmp_path: Path, photograph: np.ndarray) -> None:
    Image.fromarray(photograph).save(tmp_path / "good.png")
    whole = (tmp_path / "good.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.jpg").write_text("no picture")
    bad = [tmp_path / name for name in ("cut.png", "text.jpg", "missing.png")]
    good = tmp_path / "good.png"
    assert find_shared_pictures([*bad, good], [*bad, good]) == [(good, good)]
    assert find_shared_pictures([good], []) == []


def test_no_training_picture_of_the_published_sets_is_in_set5(data: Path) -> None:
    tests = list_pictures(data / "Set5" / "HR")
    assert find_shared_pictures(list_pictures(data / "train" / "T91"), tests) == []
    # A set beside itself is shared whole, and t36 and t65 are one picture.
    twins = [data / "train" / "T91" / name for name in ("t36.png", "t65.png")]
    assert find_shared_pictures(twins[:1], twins[1:]) == [(twins[0], twins[1])]
