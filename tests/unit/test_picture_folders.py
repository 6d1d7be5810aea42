"""Listing the pictures of a source, and finding the counterpart of each HR picture."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sr_core.data.pairing import pair_by_name
from sr_core.data.pictures import list_pictures
from sr_core.errors import DatasetError

MakeFiles = Callable[..., Path]


@pytest.fixture
def folder_of(tmp_path: Path) -> MakeFiles:
    def make(*names: str) -> Path:
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        return tmp_path

    return make


def names(pictures: list[Path]) -> list[str]:
    return [picture.name for picture in pictures]


# --- list_pictures ---------------------------------------------------------------------------------------------


def test_folder_is_listed_as_people_count(folder_of: MakeFiles) -> None:
    folder = folder_of("img_10.png", "img_2.png", "IMG_1.png", "img_2b.png", "img.png")
    assert names(list_pictures(folder)) == ["img.png", "IMG_1.png", "img_2.png", "img_2b.png", "img_10.png"]


def test_names_that_count_alike_still_have_one_order(folder_of: MakeFiles) -> None:
    folder = folder_of("a1.png", "A1.png", "a01.png")
    assert names(list_pictures(folder)) == ["A1.png", "a01.png", "a1.png"]


def test_every_picture_suffix_counts_in_upper_and_lower_case(folder_of: MakeFiles) -> None:
    pictures = ["a.png", "b.JPG", "c.jpeg", "d.webp", "e.tif", "f.TIFF", "g.bmp", "h.gif", "i.npy"]
    assert names(list_pictures(folder_of(*pictures, "notes.txt", "weights.safetensors"))) == pictures


def test_hidden_files_and_inner_folders_are_left_out(folder_of: MakeFiles) -> None:
    folder = folder_of("a.png", "._a.png", ".hidden.png", "inner/b.png", "folder.png/c.png")
    assert names(list_pictures(folder)) == ["a.png"]


def test_names_in_any_script(folder_of: MakeFiles) -> None:
    pictures = {"图像 1.png", "صورة.png", "🐱 кот.png"}
    assert set(names(list_pictures(folder_of(*pictures)))) == pictures


def test_one_file_is_taken_as_it_is(folder_of: MakeFiles) -> None:
    file = folder_of("photo.dat") / "photo.dat"
    assert list_pictures(file) == [file]


def test_pattern_selects_pictures_in_order(folder_of: MakeFiles) -> None:
    folder = folder_of("b_10.png", "b_9.png", "a.png", "b.txt")
    assert names(list_pictures(f"{folder}/b*")) == ["b_9.png", "b_10.png"]


def test_pattern_with_two_stars_reaches_inner_folders(folder_of: MakeFiles) -> None:
    folder = folder_of("a.png", "inner/b.png", "inner/.c.png", ".cache/d.png")
    assert names(list_pictures(f"{folder}/**/*.png")) == ["a.png", "b.png"]


def test_folder_whose_name_looks_like_a_pattern(folder_of: MakeFiles) -> None:
    folder = folder_of("holiday [2020]/a.png") / "holiday [2020]"
    assert names(list_pictures(str(folder))) == ["a.png"]


def test_dangling_link_is_not_left_out_in_silence(folder_of: MakeFiles) -> None:
    folder = folder_of("a.png")
    (folder / "b.png").symlink_to(folder / "gone.png")
    assert names(list_pictures(folder)) == ["a.png", "b.png"]


def test_folder_without_pictures_says_which_suffixes_count(folder_of: MakeFiles) -> None:
    folder = folder_of("notes.txt")
    with pytest.raises(DatasetError, match=rf"{folder}: no pictures .*\.png \.jpg"):
        list_pictures(folder)


def test_missing_folder_is_named() -> None:
    with pytest.raises(DatasetError, match=r"^nowhere/photos: no such file or folder$"):
        list_pictures("nowhere/photos")


def test_pattern_without_match_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"\*\.png: no pictures"):
        list_pictures(f"{tmp_path}/*.png")


def test_folder_that_may_not_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(DatasetError, match=rf"^{tmp_path}: .*Permission denied"):
        list_pictures(tmp_path)


def test_overlong_name_is_a_plain_error() -> None:
    with pytest.raises(DatasetError, match="nnn"):
        list_pictures("n" * 5000)


def test_torch_is_not_needed() -> None:
    code = "import sys, sr_core.data.pictures, sr_core.data.pairing; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- pair_by_name ----------------------------------------------------------------------------------------------


def pair(hr: list[str], others: list[str]) -> dict[str, str]:
    found = pair_by_name([Path("HR", name) for name in hr], [Path("LR", name) for name in others], "LR pictures")
    return {picture.name: counterpart.name for picture, counterpart in found.items()}


@pytest.mark.parametrize(
    ("hr", "other"),
    [
        ("baby.png", "baby.png"),
        ("baby.bmp", "baby.png"),
        ("baby.png", "baby_x2.png"),
        ("baby.png", "baby_x2_SR.png"),
        ("baby.png", "baby-bicubic.png"),
        ("baby.png", "baby.x3.png"),
        ("baby.png", "baby (copy).png"),
        ("0801.png", "0801x2.png"),
        ("0801.png", "0801X4.png"),
        ("img_001.png", "img_001_SRF_2_LR.png"),
        ("img_001_SRF_2_HR.png", "img_001_SRF_2_LR.png"),
        ("img_001_SRF_2_HR.png", "img_001_SRF_2_HR.png"),
        ("Canon_001_HR.png", "Canon_001_LR4.png"),
        ("baboon_GT.png", "baboon.png"),
        ("图像 🐱.png", "图像 🐱_x2.png"),
    ],
)
def test_names_that_belong_together(hr: str, other: str) -> None:
    assert pair([hr], [other]) == {hr: other}


@pytest.mark.parametrize(
    ("hr", "other"),
    [
        ("img_1.png", "img_10.png"),
        ("img_1.png", "img_2.png"),
        ("baby.png", "babylon.png"),
        ("baby.png", "babyx.png"),
        ("baby.png", "my_baby.png"),
        ("baby_x2.png", "baby.png"),
    ],
)
def test_names_that_do_not_belong_together(hr: str, other: str) -> None:
    with pytest.raises(DatasetError, match=f"^LR pictures: no counterpart for {hr}; .*baby_x2.png"):
        pair([hr], [other])


def test_file_belongs_to_the_longest_hr_name() -> None:
    others = ["img_1_x2.png", "img_1_2_x2.png", "img_10_x2.png"]
    assert pair(["img_1.png", "img_1_2.png", "img_10.png"], others) == {
        "img_1.png": "img_1_x2.png",
        "img_1_2.png": "img_1_2_x2.png",
        "img_10.png": "img_10_x2.png",
    }


def test_longer_name_leaves_the_shorter_without_counterpart() -> None:
    with pytest.raises(DatasetError, match=r"no counterpart for img_1\.png"):
        pair(["img_1.png", "img_1_2.png"], ["img_1_2.png"])


def test_equal_name_wins_over_a_continued_one() -> None:
    assert pair(["baby.png"], ["baby_mask.png", "baby.png"]) == {"baby.png": "baby.png"}


def test_order_is_that_of_the_hr_pictures_and_strangers_are_ignored() -> None:
    found = pair(["b.png", "a.png"], ["a_x2.png", "stranger.png", "b_x2.png"])
    assert list(found.items()) == [("b.png", "b_x2.png"), ("a.png", "a_x2.png")]


def test_all_missing_counterparts_are_told_at_once() -> None:
    with pytest.raises(DatasetError, match=r"0\.png, 1\.png, 2\.png, 3\.png, 4\.png and 3 more"):
        pair([f"{number}.png" for number in range(8)], [])


def test_several_counterparts_are_named() -> None:
    with pytest.raises(DatasetError, match=r"several counterparts for baby\.png: baby_x2\.png, baby_x3\.png"):
        pair(["baby.png"], ["baby_x2.png", "baby_x3.png"])


def test_two_equal_names_are_named() -> None:
    with pytest.raises(DatasetError, match=r"several counterparts for baby\.png: baby\.jpg, baby\.png"):
        pair(["baby.png"], ["baby.jpg", "baby.png"])


def test_two_hr_pictures_of_one_name_are_named() -> None:
    with pytest.raises(DatasetError, match=r"baby\.png and HR/baby_HR\.png: two HR pictures"):
        pair(["baby.png", "baby_HR.png"], ["baby.png"])
