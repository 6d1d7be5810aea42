"""Training sets that fit nowhere are read for each step, and give the batches of those that fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from sr_core.data.crops import CropsAhead
from sr_core.data.placement import choose_placement, host_memory
from sr_core.degradations.bicubic import Bicubic
from sr_core.errors import PictureError
from sr_core.interfaces.degradation import Degradation
from tests.unit.test_patches import Noisy, same
from tests.unit.training_pictures import CPU, load, write_pictures


@pytest.mark.parametrize(
    ("channels", "degradation", "settings"),
    [
        ("y", Bicubic(), {}),
        ("rgb", Bicubic(rounding="none"), {"scales": (2, 4), "shrink": (0.7,)}),
        ("y", Noisy(), {}),
        ("rgb", Bicubic(), {"scales": ((2, 3), 2.5, 0.5)}),
    ],
    ids=["luma", "two scales, shrunk", "random", "odd scales"],
)
def test_reading_for_each_step_gives_the_batches_of_a_store(
    tmp_path: Path, channels: str, degradation: Degradation, settings: dict[str, object]
) -> None:
    write_pictures(tmp_path, (26, 31), (37, 20), (40, 40))
    np.save(tmp_path / "deep.npy", np.random.default_rng(1).integers(0, 65536, (30, 30, 3), dtype=np.uint16))
    stored = load(tmp_path, channels, degradation, **settings)
    read = load(tmp_path, channels, degradation, memory=1e-12, **settings)
    assert stored.placement.startswith("on cpu")
    assert read.placement.startswith("read for each step")
    assert any("not kept on the device: they take" in note for note in read.notes)
    for step in (0, 1, 2, 9, 1, 255, 256):
        for stream in (0, 1):
            assert same(read.batch(step, stream), stored.batch(step, stream))
    read.close()


def test_paired_lr_is_read_for_each_step(tmp_path: Path) -> None:
    write_pictures(tmp_path / "HR", (26, 30), (20, 20))
    write_pictures(tmp_path / "LR", (13, 15), (10, 10))
    stored, read = (load(tmp_path / "HR", lr=str(tmp_path / "LR"), memory=memory) for memory in (0.5, 1e-12))
    assert all(same(read.batch(step), stored.batch(step)) for step in range(4))
    read.close()


def test_a_picture_that_disappears_during_training_is_named(tmp_path: Path) -> None:
    write_pictures(tmp_path, (26, 31))
    patches = load(tmp_path, memory=1e-12)
    (tmp_path / "a.png").unlink()
    with pytest.raises(PictureError, match=r"a\.png: no such file"):
        patches.batch(0)
    patches.close()


def test_steps_are_made_ahead_and_each_once() -> None:
    made = []

    def make(stream: int, step: int) -> tuple[Tensor | None, Tensor]:
        made.append((stream, step))
        return None, torch.full((1,), step)

    source = CropsAhead(make, ahead=2, threads=1, device=CPU)
    for step in range(5):
        assert source.crops(0, step, 1)[1].item() == step
    source.close()
    assert made[:5] == [(0, step) for step in range(5)]
    assert len(made) == len(set(made)) <= 7


def test_pictures_are_kept_where_they_fit() -> None:
    assert choose_placement(0, CPU, share=0.5).kind == "device"
    much = choose_placement(10 * host_memory(), CPU, share=0.5)
    assert much.kind == "read"
    assert "more than the" in much.why
    # Two processes of one host share its memory.
    half = host_memory() // 2
    assert choose_placement(int(0.9 * half), CPU, share=0.5).kind == "device"
    assert choose_placement(int(0.9 * half), CPU, share=0.5, world=2).kind == "read"
