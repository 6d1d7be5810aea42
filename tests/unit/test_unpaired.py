"""Training without pairs: crops of HR pictures beside crops of LR pictures that have nothing to do with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sr_core.data.patches import PatchSettings
from sr_core.data.training_set import TrainingSet, open_training_set
from sr_core.data.unpaired import load_unpaired
from sr_core.errors import DatasetError

CPU = torch.device("cpu")


def dark(folder: Path, count: int, side: int) -> None:
    """Pictures below 100."""
    folder.mkdir()
    for seed in range(count):
        levels = np.random.default_rng(seed).integers(0, 100, (side, side, 3), dtype=np.uint8)
        Image.fromarray(levels).save(folder / f"{seed}.png")


@pytest.fixture
def pictures(tmp_path: Path) -> TrainingSet:
    """Dark HR and bright LR."""
    dark(tmp_path / "hr", 3, 40)
    (tmp_path / "lr").mkdir()
    for seed in range(2):
        levels = np.random.default_rng(seed + 9).integers(150, 256, (24, 20, 3), dtype=np.uint8)
        Image.fromarray(levels).save(tmp_path / "lr" / f"camera {seed}.png")
    return open_training_set([str(tmp_path / "hr")], None, [4], unpaired_lr=[str(tmp_path / "lr")])


def settings(scale: float, crop: int = 32, crop_in: str = "hr") -> PatchSettings:
    return PatchSettings(crop, 4, (scale,), crop_in)  # type: ignore[arg-type]


def test_a_network_that_enlarges_gets_real_lr_and_sees_hr(pictures: TrainingSet) -> None:
    batch = load_unpaired(pictures, settings(4), "rgb", CPU, seed=1).batch(0)
    assert batch.lr.shape == (4, 3, 8, 8)
    assert batch.hr.shape == (4, 3, 32, 32)
    assert float(batch.lr.min()) > 149 / 255 > 100 / 255 > float(batch.hr.max())


def test_a_network_that_shrinks_gets_hr_and_sees_real_lr(pictures: TrainingSet) -> None:
    batch = load_unpaired(pictures, settings(0.25), "rgb", CPU, seed=1).batch(0)
    assert batch.lr.shape == (4, 3, 32, 32)
    assert batch.hr.shape == (4, 3, 8, 8)
    assert float(batch.hr.min()) > 149 / 255 > 100 / 255 > float(batch.lr.max())


def test_the_side_may_be_given_in_lr(pictures: TrainingSet) -> None:
    batch = load_unpaired(pictures, settings(4, 9, "lr"), "rgb", CPU, seed=1).batch(0)
    assert batch.lr.shape[-2:] == (9, 9)
    assert batch.hr.shape[-2:] == (36, 36)


def test_batches_come_again_and_streams_differ(pictures: TrainingSet) -> None:
    one, other = (load_unpaired(pictures, settings(4), "rgb", CPU, seed=1) for _ in range(2))
    again = other.batch(7, 2)
    assert torch.equal(one.batch(7, 2).lr, again.lr)
    assert torch.equal(one.batch(7, 2).hr, again.hr)
    assert not torch.equal(one.batch(7, 0).lr, again.lr)
    assert not torch.equal(one.batch(7, 0).hr, again.hr)


def test_two_devices_share_what_one_has(pictures: TrainingSet) -> None:
    whole = load_unpaired(pictures, settings(4), "rgb", CPU, seed=1).batch(3)
    halves = [load_unpaired(pictures, settings(4), "rgb", CPU, 1, rank, 2).batch(3) for rank in range(2)]
    assert torch.equal(torch.cat([half.lr for half in halves]), whole.lr)
    assert torch.equal(torch.cat([half.hr for half in halves]), whole.hr)


def test_each_picture_counts_once_and_leave_out_is_for_both_sets(pictures: TrainingSet) -> None:
    low, high = pictures.unpaired_lr[0].parent, pictures.hr[0].parent
    found = open_training_set([str(high)], None, [4], ["1.png", "camera 0"], [str(low), str(low / "*.png")])
    assert [path.name for path in found.hr] == ["0.png", "2.png"]
    assert [path.name for path in found.unpaired_lr] == ["camera 1.png"]
    with pytest.raises(DatasetError, match="leave_out names them all"):
        open_training_set([str(high)], None, [4], ["camera 0", "camera 1"], [str(low)])


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (PatchSettings(32, 4, (2, 4)), "one scale"),
        (PatchSettings(32, 4, ((2, 4),)), "one scale"),
        (PatchSettings(3, 4, (4,)), "make the crop larger"),
        (PatchSettings(100, 4, (4,)), "40×40"),
    ],
)
def test_what_cannot_be_is_refused(pictures: TrainingSet, chosen: PatchSettings, said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        load_unpaired(pictures, chosen, "rgb", CPU, seed=1)
