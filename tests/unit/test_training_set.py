"""The pictures to train on: found, paired, and everything wrong with them told before training."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sr_core.data.training_pairs import training_pairs
from sr_core.data.training_set import open_training_set
from sr_core.degradations.bicubic import Bicubic
from sr_core.errors import DatasetError
from sr_core.imaging.resize import resize
from tests.conftest import textured
from tests.unit.training_pictures import CPU, as_image, load, write_pictures


def test_folders_patterns_and_files_join_in_the_order_of_people(tmp_path: Path) -> None:
    for name in ("t10.png", "t2.png", "u1.png", "v1.png"):
        Image.fromarray(textured((8, 8), 3, 0)).save(tmp_path / name)
    found = open_training_set([str(tmp_path / "t*.png"), str(tmp_path / "v1.png"), str(tmp_path)], None, [2])
    assert [path.name for path in found.hr] == ["t2.png", "t10.png", "v1.png", "u1.png"]
    assert found.lr == {}


@pytest.mark.skipif(find_spec("skimage") is None, reason="the samples come with scikit-image")
def test_the_samples_are_a_training_set() -> None:
    assert len(open_training_set(["samples:train"], None, [2]).hr) == 6


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no pictures there"):
        open_training_set([str(tmp_path)], None, [2])
    with pytest.raises(DatasetError, match="no such file or folder"):
        open_training_set([str(tmp_path / "nowhere")], None, [2])


def test_named_pictures_are_left_out_and_a_misspelt_name_is_an_error(tmp_path: Path) -> None:
    write_pictures(tmp_path, (8, 8), (8, 8), (8, 8))
    found = open_training_set([str(tmp_path)], None, [2], leave_out=["b.png", "c"])
    assert [path.name for path in found.hr] == ["a.png"]
    with pytest.raises(DatasetError, match=r"no picture called 'd\.png' among the 3 to train on; the nearest is"):
        open_training_set([str(tmp_path)], None, [2], leave_out=["d.png"])
    with pytest.raises(DatasetError, match="leave_out names them all"):
        open_training_set([str(tmp_path)], None, [2], leave_out=["a", "b", "c"])


def test_paired_lr_is_found_for_each_scale(tmp_path: Path) -> None:
    write_pictures(tmp_path / "HR", (24, 24))
    write_pictures(tmp_path / "LR_x2", (12, 12))
    write_pictures(tmp_path / "LR_x2x3", (12, 8))
    found = open_training_set([str(tmp_path / "HR")], str(tmp_path / "LR_x{scale}"), [2, (2, 3)])
    hr = tmp_path / "HR" / "a.png"
    assert found.lr == {2: {hr: tmp_path / "LR_x2" / "a.png"}, (2, 3): {hr: tmp_path / "LR_x2x3" / "a.png"}}
    with pytest.raises(DatasetError, match="LR_x4: no such file or folder"):
        open_training_set([str(tmp_path / "HR")], str(tmp_path / "LR_x{scale}"), [4])
    with pytest.raises(DatasetError, match="with several scales the LR folder must say"):
        open_training_set([str(tmp_path / "HR")], str(tmp_path / "LR_x2"), [2, 3])


def test_a_missing_lr_picture_is_named(tmp_path: Path) -> None:
    write_pictures(tmp_path / "HR", (24, 24), (24, 24))
    write_pictures(tmp_path / "LR", (12, 12))
    with pytest.raises(DatasetError, match=r"LR picture for scale 2: no counterpart for b\.png"):
        open_training_set([str(tmp_path / "HR")], str(tmp_path / "LR"), [2])


def test_one_corrupt_picture_among_good_ones_is_named(tmp_path: Path) -> None:
    write_pictures(tmp_path, (24, 24), (24, 24), (24, 24))
    whole = (tmp_path / "b.png").read_bytes()
    (tmp_path / "b.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match=r"has 1 problem:\n  .*b\.png: broken or truncated PNG file"):
        load(tmp_path)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    write_pictures(tmp_path, (24, 24), (6, 24))
    (tmp_path / "empty.png").touch()
    np.save(tmp_path / "nan.npy", np.full((24, 24, 3), np.nan, dtype=np.float32))
    np.save(tmp_path / "infinite.npy", np.full((24, 24, 3), np.inf, dtype=np.float32))
    np.save(tmp_path / "levels.npy", np.full((24, 24, 3), 200, dtype=np.float32))
    np.save(tmp_path / "bands.npy", np.zeros((24, 24, 7), dtype=np.uint8))
    with pytest.raises(DatasetError) as caught:
        load(tmp_path)
    text = str(caught.value)
    assert "6 problems" in text
    for line in (
        "empty.png: is empty (zero bytes)",
        "nan.npy: holds samples that are not finite",
        "infinite.npy: holds samples that are not finite",
        "levels.npy: holds values from 200 to 200; training takes [0, 1]",
        "bands.npy: has 7 planes, the model takes rgb",
        "b.png: 6×24 is smaller than the crop of 8×8",
        "small: leave_out",
    ):
        assert line in text


def test_many_problems_are_shortened_and_counted(tmp_path: Path) -> None:
    for index in range(25):
        (tmp_path / f"{index}.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match="has 25 problems") as caught:
        load(tmp_path)
    assert len(str(caught.value).splitlines()) == 12
    assert "and 15 more" in str(caught.value)


def test_of_crops_at_several_scales_the_largest_that_does_not_fit_is_named(tmp_path: Path) -> None:
    write_pictures(tmp_path, (24, 24), (24, 40))
    with pytest.raises(DatasetError, match=r"a\.png: 24×24 is smaller than the crop of 32×32 at ×4"):
        load(tmp_path, crop_in="lr", scales=(2, 4, 3.5))


def test_pictures_smaller_than_the_crop_are_refused_or_left_out(tmp_path: Path) -> None:
    write_pictures(tmp_path, (24, 24), (7, 24), (24, 7))
    with pytest.raises(DatasetError, match="has 2 problems"):
        load(tmp_path)
    patches = load(tmp_path, small="leave_out")
    assert patches.pictures == 1
    assert "2 pictures smaller than the crop left out: b.png, c.png" in patches.notes
    with pytest.raises(DatasetError, match="no picture is left to train on; all 3"):
        load(tmp_path, crop=30, small="leave_out")


def test_lr_that_does_not_fit_its_hr_is_named(tmp_path: Path) -> None:
    write_pictures(tmp_path / "HR", (24, 24), (24, 24), (24, 24))
    write_pictures(tmp_path / "LR", (12, 12), (12, 14))
    Image.fromarray(textured((12, 12), 1, 0)).save(tmp_path / "LR" / "c.png")
    with pytest.raises(DatasetError) as caught:
        load(tmp_path / "HR", lr=str(tmp_path / "LR"))
    assert "b.png: it is 24×24, which its LR of 12×14 does not fit at scale 2" in str(caught.value)
    assert "c.png: it has 3 planes, its LR 1" in str(caught.value)
    assert "a.png" not in str(caught.value)


def test_a_corrupt_lr_picture_is_named(tmp_path: Path) -> None:
    write_pictures(tmp_path / "HR", (24, 24))
    write_pictures(tmp_path / "LR", (12, 12))
    (tmp_path / "LR" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(DatasetError, match=r"LR/a\.png: broken or truncated"):
        load(tmp_path / "HR", lr=str(tmp_path / "LR"))


def test_a_picture_that_is_there_twice_is_said(tmp_path: Path) -> None:
    array = write_pictures(tmp_path, (24, 24))[0]
    Image.fromarray(array).save(tmp_path / "again.bmp")
    assert "the same picture is in the training set 2 times: a.png, again.bmp" in load(tmp_path).notes


def test_ignored_transparency_is_said(tmp_path: Path) -> None:
    Image.fromarray(textured((24, 24), 3, 0)).convert("RGBA").save(tmp_path / "glass.png")
    patches = load(tmp_path)
    assert any("transparency of 1 picture is ignored: glass.png" in note for note in patches.notes)
    assert patches.batch(0).hr.shape[1] == 3


def test_a_network_for_any_planes_takes_sets_of_one_number(tmp_path: Path) -> None:
    for name in ("first", "second"):
        np.save(tmp_path / f"{name}.npy", np.zeros((24, 24, 7), dtype=np.uint8))
    assert load(tmp_path, "any").batch(0).hr.shape[1] == 7
    write_pictures(tmp_path, (24, 24))
    with pytest.raises(DatasetError, match=r"first\.npy: has 7 planes, a\.png has 3"):
        load(tmp_path, "any")


def test_progress_counts_every_picture(tmp_path: Path) -> None:
    write_pictures(tmp_path, (24, 24), (24, 24), (24, 24))
    seen: list[tuple[int, int]] = []
    load(tmp_path, progress=lambda done, all_of_them: seen.append((done, all_of_them)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_fitted_models_get_whole_pictures_as_often_as_they_want(tmp_path: Path) -> None:
    arrays = write_pictures(tmp_path, (25, 31), (24, 24))
    pairs = training_pairs(open_training_set([str(tmp_path)], None, [2, 3]), [2, 3], "rgb", Bicubic(), CPU, seed=1)
    assert len(pairs) == 4
    first, second = list(pairs), list(pairs)
    assert [pair.scale for pair in first] == [2, 3, 2, 3]
    for pair, again in zip(first, second, strict=True):
        assert torch.equal(pair.lr, again.lr)
    hr = as_image(arrays[0][:24, :30])
    assert torch.equal(first[0].hr, hr)
    assert torch.equal(first[0].lr, resize(hr, 0.5, rounding="each_pass"))
    assert first[1].lr.shape == (1, 3, 8, 10)


def test_fitted_models_get_paired_lr_in_the_planes_they_take(tmp_path: Path) -> None:
    write_pictures(tmp_path / "HR", (25, 25))
    write_pictures(tmp_path / "LR", (12, 12))
    found = open_training_set([str(tmp_path / "HR")], str(tmp_path / "LR"), [2])
    (pair,) = training_pairs(found, [2], "y", Bicubic(), CPU, seed=1)
    assert pair.lr.shape == (1, 1, 12, 12)
    assert pair.hr.shape == (1, 1, 24, 24)
    assert 16 / 255 <= float(pair.hr.min()) <= float(pair.hr.max()) <= 235 / 255


def test_a_picture_without_a_single_lr_pixel_is_refused(tmp_path: Path) -> None:
    write_pictures(tmp_path, (2, 24))
    with pytest.raises(DatasetError, match=r"a\.png: 2×24 is smaller than the crop of 3×3"):
        training_pairs(open_training_set([str(tmp_path)], None, [3]), [3], "rgb", Bicubic(), CPU, seed=1)
