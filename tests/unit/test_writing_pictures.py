"""A picture that cannot be written is one error that names it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from sr_core.errors import PictureError
from sr_core.imaging.files import Picture, write_picture
from tests.unit.picture_files import (
    PILLOW_NAMES,
    noise,
    raising,
    save_with_pillow,
)


def write_refusal(path: Path, picture: Picture | None = None) -> str:
    with pytest.raises(PictureError) as caught:
        write_picture(picture or Picture.from_array(noise((4, 4, 3))), path)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


@pytest.mark.parametrize("name", ["picture.gif", "picture", "picture.png.part"])
def test_unknown_suffix_says_which_can_be_written(tmp_path: Path, name: str) -> None:
    assert "must end in .png .jpg .jpeg .webp .tif .tiff .bmp" in write_refusal(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be written" in write_refusal(tmp_path / "file" / "picture.png")


def test_folder_where_the_file_should_be(tmp_path: Path) -> None:
    (tmp_path / "picture.png").mkdir()
    assert "cannot be written" in write_refusal(tmp_path / "picture.png")
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


def test_disk_full_leaves_the_old_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_with_pillow(tmp_path / "picture.png", noise((4, 4)))
    before = path.read_bytes()
    monkeypatch.setattr(Image.Image, "save", raising(OSError(28, "No space left on device")))
    assert "No space left" in write_refusal(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".webp", ".jpg"])
def test_picture_too_large_for_its_format(tmp_path: Path, suffix: str) -> None:
    wide = Picture(torch.zeros(1, 1, 1, 70_000))
    assert "cannot be written" in write_refusal(tmp_path / f"wide{suffix}", wide)
    assert list(tmp_path.iterdir()) == []


def test_samples_that_are_not_numbers(tmp_path: Path) -> None:
    diverged = Picture(torch.full((1, 3, 4, 4), float("nan")))
    assert "not numbers" in write_refusal(tmp_path / "diverged.png", diverged)


def test_equal_pictures_are_equal_files(tmp_path: Path) -> None:
    for suffix in PILLOW_NAMES:
        for name in ("a", "b"):
            Picture.from_array(noise((9, 9, 3))).save(tmp_path / f"{name}{suffix}")
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
