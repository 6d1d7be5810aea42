"""Pictures kept over time: what is seen of them, and what a resume forgets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from sr_core.reporting.learning import SIDE, LearningStep, chosen, cut_back, keep_step, read_learning, write_sheets
from tests.conftest import textured

PLACE = ("My: set", 2, "photo?")


def picture(size: tuple[int, int], seed: int, planes: int = 3) -> Tensor:
    return torch.from_numpy(textured(size, planes, seed)).reshape(*size, planes).permute(2, 0, 1)[None].double() / 255


def levels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_the_same_detail_of_lr_sr_and_hr_is_kept_pixel_for_pixel(tmp_path: Path) -> None:
    hr, lr = picture((300, 260), 1), picture((150, 130), 2)
    keep_step(tmp_path, PLACE, 0, (lr, hr * 0.5, hr), {"psnr": "20.00"})
    keep_step(tmp_path, PLACE, 200, (lr, hr * 0.75, hr), {"psnr": "26.00"})
    [(folder, index)] = read_learning(tmp_path)
    assert folder == tmp_path / "My_ set" / "x2" / "photo_"
    assert (index.dataset, index.scale, index.picture) == PLACE
    assert [(kept.step, kept.note) for kept in index.steps] == [(0, "psnr 20.00"), (200, "psnr 26.00")]

    top, left, side = index.detail
    assert side == SIDE
    square = np.s_[top : top + side, left : left + side]
    whole = np.rint(hr[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    assert np.array_equal(levels(folder / "hr.webp"), whole[square])
    half = np.floor(hr[0].permute(1, 2, 0).numpy() * 0.5 * 255 + 0.5).astype(np.uint8)
    assert np.array_equal(levels(folder / index.steps[0].file), half[square])
    repeated = np.rint(lr[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1)
    assert np.array_equal(levels(folder / "lr.webp"), repeated[square])


def test_the_detail_is_where_there_is_most_to_see(tmp_path: Path) -> None:
    hr = torch.full((1, 1, 400, 500), 0.5)
    hr[..., 300:340, 50:90] = (torch.arange(40)[:, None] + torch.arange(40)) % 2
    keep_step(tmp_path, PLACE, 0, (hr[..., ::2, ::2], hr, hr))
    [(_, index)] = read_learning(tmp_path)
    top, left, side = index.detail
    assert top <= 300
    assert left <= 50
    assert min(top, left) >= 0
    assert top + side >= 340
    assert left + side >= 90


@pytest.mark.parametrize("size", [(7, 5), (40, 300), (SIDE, SIDE)])
def test_small_pictures_are_shown_as_far_as_they_reach(tmp_path: Path, size: tuple[int, int]) -> None:
    hr = picture(size, 3, planes=1)
    keep_step(tmp_path, ("set", (0.5, 2.5), "small"), 1, (picture((4, 4), 1, planes=1), hr, hr))
    [(folder, index)] = read_learning(tmp_path)
    assert index.scale == (0.5, 2.5)
    assert "x0.5x2.5" in folder.parts
    assert levels(folder / "hr.webp").shape == (min(*size, SIDE), min(*size, SIDE), 3)


def test_a_resume_forgets_what_came_later_and_goes_on(tmp_path: Path) -> None:
    hr = picture((60, 60), 1)
    for step in (0, 100, 200, 300):
        keep_step(tmp_path, PLACE, step, (hr, hr, hr))
    cut_back(tmp_path, 150)
    [(folder, index)] = read_learning(tmp_path)
    assert [kept.step for kept in index.steps] == [0, 100]
    assert sorted(path.name for path in folder.glob("step-*")) == ["step-00000000.webp", "step-00000100.webp"]
    keep_step(tmp_path, PLACE, 200, (hr, 1 - hr, hr))
    [(folder, index)] = read_learning(tmp_path)
    assert [kept.step for kept in index.steps] == [0, 100, 200]
    assert not np.array_equal(levels(folder / "step-00000200.webp"), levels(folder / "hr.webp"))


def test_nothing_is_there_to_forget_before_the_first_validation(tmp_path: Path) -> None:
    cut_back(tmp_path / "learning", 0)
    assert write_sheets(tmp_path / "learning") == []


def test_the_sheet_shows_lr_some_steps_and_hr_in_this_order(tmp_path: Path) -> None:
    hr = torch.ones(1, 3, 200, 200)
    for step in range(0, 2000, 100):
        keep_step(tmp_path, PLACE, step, (0 * hr, step / 2000 * hr, hr))
    [sheet] = write_sheets(tmp_path)
    assert sheet == tmp_path / "My_ set" / "x2" / "photo_.png"
    row = levels(sheet)[46 + SIDE // 2, :, 0]
    middles = row[12 + SIDE // 2 :: SIDE + 12][:8]
    assert middles[0] == 0
    assert middles[-1] == 255
    assert list(middles) == sorted(middles)
    assert len(set(middles[1:-1].tolist())) == 6


@pytest.mark.parametrize(("count", "most"), [(1, 2), (2, 2), (5, 24), (24, 24), (25, 24), (1000, 24), (1000, 2)])
def test_of_many_steps_some_are_chosen_with_the_first_and_the_last(count: int, most: int) -> None:
    steps = [LearningStep(step=number, file="") for number in range(count)]
    picked = chosen(steps, most)
    assert len(picked) <= most
    assert picked[0] == steps[0]
    assert picked[-1] == steps[-1]
    assert count > most or picked == steps
    assert list(picked) == sorted(picked, key=lambda kept: kept.step)
