"""Batches on a CUDA device: those of the host, the same wherever pictures are kept, and never waited for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
import torch

from sr_core.data.patches import Patches, PatchSettings, load_patches
from sr_core.data.placement import Placement
from sr_core.data.training_set import open_training_set
from sr_core.degradations.bicubic import Bicubic
from sr_core.interfaces.capabilities import Channels
from sr_core.interfaces.degradation import Degradation
from tests.unit.test_patches import Noisy, same
from tests.unit.training_pictures import write_pictures

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")

SIZES = ((64, 71), (60, 60), (81, 58))
STEPS = (0, 1, 2, 7, 255, 256, 1)
"""Two of them in the next block of draws, and one again."""


def load(folder: Path, device: str, channels: Channels, degradation: Degradation, **settings: Any) -> Patches:
    chosen = PatchSettings(**{"crop": 24, "batch": 4, "scales": (2,), **settings})
    training_set = open_training_set([str(folder)], None, chosen.scales)
    return load_patches(training_set, chosen, channels, degradation, torch.device(device), 1)


@pytest.mark.parametrize(
    ("channels", "degradation", "settings"),
    [
        ("y", Bicubic(), {}),
        ("rgb", Bicubic(rounding="none"), {"scales": (2, 3, 4), "shrink": (0.7,)}),
        ("rgb", Noisy(), {}),
    ],
    ids=["luma", "several scales, shrunk", "random"],
)
def test_wherever_pictures_are_kept_batches_are_the_same(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    channels: Channels,
    degradation: Degradation,
    settings: dict[str, Any],
) -> None:
    write_pictures(tmp_path, *SIZES)

    def kept(kind: Literal["device", "host", "read"], words: str) -> Patches:
        place = Placement(kind, "" if kind == "device" else "a test wants it so")
        monkeypatch.setattr("sr_core.data.patches.choose_placement", lambda *_: place)
        patches = load(tmp_path, "cuda", channels, degradation, **settings)
        assert patches.placement.startswith(words)
        return patches

    on_device, on_host, read = kept("device", "on cuda"), kept("host", "on the host"), kept("read", "read for each")
    for step in STEPS:
        expected = on_device.batch(step)
        assert expected.lr.device.type == expected.hr.device.type == "cuda"
        assert same(on_host.batch(step), expected)
        assert same(read.batch(step), expected)
    for patches in (on_device, on_host, read):
        patches.close()


def test_pictures_that_fit_their_share_of_the_device_are_kept_there(tmp_path: Path) -> None:
    write_pictures(tmp_path, *SIZES)
    assert load(tmp_path, "cuda", "rgb", Bicubic()).placement.startswith("on cuda")
    elsewhere = load(tmp_path, "cuda", "rgb", Bicubic(), memory=1e-12)
    assert not elsewhere.placement.startswith("on cuda")
    assert any("not kept on the device: they take" in note for note in elsewhere.notes)
    elsewhere.close()


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("channels", ["y", "rgb"])
def test_batches_are_those_of_the_host(tmp_path: Path, channels: Channels, scale: int) -> None:
    """Where a sum falls between two levels, another order of adding may round it to the other one."""
    write_pictures(tmp_path, *SIZES)
    ours, hosts = (load(tmp_path, device, channels, Bicubic(), scales=(scale,)) for device in ("cuda", "cpu"))
    for step in STEPS:
        found, expected = ours.batch(step), hosts.batch(step)
        assert torch.equal(found.hr.cpu(), expected.hr)
        apart = (found.lr.cpu() - expected.lr).abs()
        assert float(apart.max()) <= 1.001 / 255
        assert float((apart > 1e-5).float().mean()) < 0.01


@pytest.mark.filterwarnings("ignore:Synchronization debug mode")
@pytest.mark.parametrize("degradation", [Bicubic(), Noisy()], ids=["of whole pictures", "of each crop"])
def test_making_a_batch_never_waits_for_the_device(tmp_path: Path, degradation: Degradation) -> None:
    write_pictures(tmp_path, *SIZES)
    patches = load(tmp_path, "cuda", "y", degradation, batch=16)
    for step in range(3):
        patches.batch(step)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    for step in range(3, 600):  # several blocks of draws
        patches.batch(step)


def test_the_device_holds_pictures_in_their_own_depth(tmp_path: Path) -> None:
    write_pictures(tmp_path, (1500, 1600), (1400, 1500))
    pixels = 1500 * 1600 + 1400 * 1500
    before = torch.cuda.memory_allocated()
    patches = load(tmp_path, "cuda", "rgb", Bicubic())
    taken = torch.cuda.memory_allocated() - before
    patches.close()
    assert 3 * pixels * 1.25 <= taken < 3 * pixels * 1.25 * 1.1, "a byte a sample of HR, and of LR a quarter of them"
