"""Batches for training: where they come from, and that they depend on the step alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from sr_core.data.patches import PatchBatch
from sr_core.errors import ContractError, DatasetError
from sr_core.imaging.color import rgb_to_y_8bit
from sr_core.imaging.resize import resize
from sr_core.imaging.size import degraded_size
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.randomness import SampleRandom
from sr_core.scales import Scale
from tests.unit.training_pictures import as_image, laid, load, write_pictures


class Noisy(Degradation):
    """Shrunk, then noise of the sample's own strength."""

    def forward(self, hr: Tensor, scale: Scale, random: SampleRandom) -> Tensor:
        small = resize(hr, size=degraded_size((hr.shape[-2], hr.shape[-1]), scale))
        return small + random.uniform(0, 0.2)[:, None, None, None] * random.normal(*small.shape[1:])


def same(first: PatchBatch, second: PatchBatch) -> bool:
    return first.scale == second.scale and torch.equal(first.lr, second.lr) and torch.equal(first.hr, second.hr)


def place_of(crop: Tensor, pictures: list[Tensor]) -> tuple[int, int, int, int]:
    """(picture, turn, top, left) of C×h×w in the pictures 1×C×H×W; fails unless there is exactly one."""
    found = []
    for index, picture in enumerate(pictures):
        for turn, view in enumerate(laid(picture)):
            windows = view[0].unfold(1, crop.shape[1], 1).unfold(2, crop.shape[2], 1)  # C×rows×columns×h×w
            equal = (windows == crop[:, None, None]).all(dim=4).all(dim=3).all(dim=0)
            found += [(index, turn, int(top), int(left)) for top, left in equal.nonzero()]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(("channels", "planes"), [("rgb", 3), ("y", 1)])
def test_hr_and_lr_are_the_same_piece_of_a_picture_and_its_lr(tmp_path: Path, channels: str, planes: int) -> None:
    arrays = write_pictures(tmp_path, (26, 31), (17, 20), planes=planes)
    patches = load(tmp_path, channels, crop=9, scales=(3,), batch=16)
    # LR of the whole picture, cut first as the field's scripts do, in 8 bits as its public LR sets are.
    hr = [as_image(array[: len(array) // 3 * 3, : array.shape[1] // 3 * 3]) for array in arrays]
    lr = [resize(picture, 1 / 3, rounding="each_pass") for picture in hr]
    batch = patches.batch(0)
    assert batch.lr.shape == (16, planes, 3, 3)
    assert batch.hr.shape == (16, planes, 9, 9)
    for lr_crop, hr_crop in zip(batch.lr, batch.hr, strict=True):
        picture, turn, top, left = place_of(hr_crop, hr)
        assert (top % 3, left % 3) == (0, 0)
        expected = laid(lr[picture])[turn][0, :, top // 3 : top // 3 + 3, left // 3 : left // 3 + 3]
        assert torch.equal(lr_crop, expected)


def test_all_eight_ways_to_lay_a_crop_occur_and_none_without_augmentation(tmp_path: Path) -> None:
    pictures = [as_image(array) for array in write_pictures(tmp_path, (14, 12))]

    def turns(augment: bool) -> set[int]:
        batch = load(tmp_path, batch=64, augment=augment).batch(0)
        return {place_of(crop, pictures)[1] for crop in batch.hr}

    assert turns(True) == set(range(8))
    assert turns(False) == {0}


def test_every_place_occurs_and_pictures_by_how_many_they_have(tmp_path: Path) -> None:
    # 3×2 places in one picture and 1×1 in the other, at steps of one LR pixel.
    pictures = [as_image(array) for array in write_pictures(tmp_path, (12, 10), (8, 8))]
    patches = load(tmp_path, batch=70, augment=False)
    places = [place_of(crop, pictures) for step in range(10) for crop in patches.batch(step).hr]
    counts = {place: places.count(place) for place in places}
    assert set(counts) == {(0, 0, t, left) for t in (0, 2, 4) for left in (0, 2)} | {(1, 0, 0, 0)}
    assert min(counts.values()) > 60  # 100 expected
    assert max(counts.values()) < 140


def test_a_step_gives_the_same_batch_again_and_other_steps_and_streams_others(tmp_path: Path) -> None:
    write_pictures(tmp_path, (26, 31), (17, 20))
    first, second = load(tmp_path, seed=7), load(tmp_path, seed=7)
    for step in (0, 1, 255, 256, 100_000):  # a resumed run begins anywhere
        for stream in (0, 1):
            assert same(first.batch(step, stream), second.batch(step, stream))
    batch = first.batch(5)
    assert same(batch, second.batch(5))
    assert same(batch, first.batch(5))  # going back
    for other in (first.batch(6), first.batch(5, stream=1), first.batch(5, stream=2), load(tmp_path, seed=8).batch(5)):
        assert not torch.equal(batch.hr, other.hr)


def test_writing_into_a_batch_does_not_change_it_for_who_asks_again(tmp_path: Path) -> None:
    write_pictures(tmp_path, (26, 31))
    patches = load(tmp_path)
    kept = patches.batch(3).hr.clone()
    patches.batch(3).hr.zero_()
    assert torch.equal(patches.batch(3).hr, kept)


@pytest.mark.parametrize("degradation", [None, Noisy()], ids=["bicubic", "random"])
def test_devices_share_the_batch_that_one_device_would_have(tmp_path: Path, degradation: Degradation | None) -> None:
    write_pictures(tmp_path, (26, 31), (17, 20))
    whole = load(tmp_path, degradation=degradation, batch=6)
    parts = [load(tmp_path, degradation=degradation, batch=6, rank=rank, world=2) for rank in (0, 1)]
    for step in (0, 300):
        expected, halves = whole.batch(step), [part.batch(step) for part in parts]
        assert [half.indices for half in halves] == [range(3), range(3, 6)]
        assert torch.equal(torch.cat([half.lr for half in halves]), expected.lr)
        assert torch.equal(torch.cat([half.hr for half in halves]), expected.hr)


def test_a_batch_that_cannot_be_shared_equally_is_refused(tmp_path: Path) -> None:
    write_pictures(tmp_path, (26, 31))
    with pytest.raises(DatasetError, match="batch of 5 cannot be divided among 2 devices"):
        load(tmp_path, batch=5, world=2)


def test_a_random_degradation_acts_on_each_crop_with_chances_of_its_own(tmp_path: Path) -> None:
    arrays = write_pictures(tmp_path, (26, 31))
    batch = load(tmp_path, degradation=Noisy(), batch=3, seed=4).batch(9)
    hr = as_image(arrays[0])
    assert all(place_of(crop, [hr]) for crop in batch.hr)
    expected = Noisy()(batch.hr, 2, SampleRandom(4, 9, range(3)))
    assert torch.equal(batch.lr, expected)


def test_a_random_degradation_sees_colours_also_for_a_network_of_luma(tmp_path: Path) -> None:
    class Seen(Noisy):
        planes = 0

        def forward(self, hr: Tensor, scale: Scale, random: SampleRandom) -> Tensor:
            self.planes = hr.shape[1]
            return super().forward(hr, scale, random)

    arrays = write_pictures(tmp_path, (26, 31))
    degradation = Seen()
    batch = load(tmp_path, "y", degradation).batch(0)
    assert degradation.planes == 3
    assert (batch.lr.shape[1], batch.hr.shape[1]) == (1, 1)
    luma = rgb_to_y_8bit(torch.from_numpy(arrays[0]).permute(2, 0, 1)[None]).float() / 255
    assert all(place_of(crop, [luma]) for crop in batch.hr)


def test_a_degradation_may_set_the_target(tmp_path: Path) -> None:
    class Darker(Degradation):
        def forward(self, hr: Tensor, scale: Scale, random: SampleRandom) -> tuple[Tensor, Tensor]:
            return resize(hr, size=degraded_size((hr.shape[-2], hr.shape[-1]), scale)), hr / 2

    class Kept(Darker):
        deterministic = True

    write_pictures(tmp_path, (26, 31))
    for degradation in (Darker(), Kept()):
        batch = load(tmp_path, degradation=degradation).batch(0)
        assert torch.equal(batch.lr, resize(batch.hr * 2, size=(4, 4)))


def test_a_degradation_that_breaks_its_contract_is_named(tmp_path: Path) -> None:
    class Whole(Degradation):
        deterministic = True

        def forward(self, hr: Tensor, scale: Scale, random: SampleRandom) -> Tensor:
            return hr

    class Failing(Degradation):
        def forward(self, hr: Tensor, scale: Scale, random: SampleRandom) -> Tensor:
            raise RuntimeError("no kernel")

    write_pictures(tmp_path, (26, 31))
    with pytest.raises(ContractError, match=r"promised LR of shape \(1, 3, 13, 15\).*gave \(1, 3, 26, 30\)"):
        load(tmp_path, degradation=Whole())
    patches = load(tmp_path, degradation=Failing())
    with pytest.raises(ContractError, match="the degradation failed: RuntimeError: no kernel"):
        patches.batch(0)


@pytest.mark.parametrize(
    ("scale", "lr", "hr"),
    [
        (2.5, (4, 4), (10, 10)),
        (1.5, (8, 8), (12, 12)),
        ((2, 3), (6, 4), (12, 12)),
        ((1.5, 3), (8, 4), (12, 12)),
        (0.5, (24, 24), (12, 12)),
        ((0.5, 2), (24, 6), (12, 12)),
        (5, (2, 2), (10, 10)),
    ],
)
def test_any_scale_gives_crops_of_its_sizes_that_lie_on_each_other(
    tmp_path: Path, scale: Scale, lr: tuple[int, int], hr: tuple[int, int]
) -> None:
    # On a plane of light, LR and HR agree at the centre of every crop whatever the scale.
    rows, columns = np.mgrid[:40, :40]
    Image.fromarray((40 + 3 * rows + 2 * columns).astype(np.uint8)).save(tmp_path / "slope.png")
    batch = load(tmp_path, "y", crop=12, scales=(scale,), batch=32).batch(0)
    assert batch.scale == scale
    assert batch.lr.shape[2:] == lr
    assert batch.hr.shape[2:] == hr
    inside = batch.lr.mean(dim=(1, 2, 3)) - batch.hr.mean(dim=(1, 2, 3))
    assert inside.abs().max() < 1.2 / 255  # at the picture's border the slope bends
    slope = (batch.lr[..., -1].mean(dim=(1, 2)) - batch.lr[..., 0].mean(dim=(1, 2))).sign()
    assert torch.equal(slope, (batch.hr[..., -1].mean(dim=(1, 2)) - batch.hr[..., 0].mean(dim=(1, 2))).sign())


def test_several_scales_are_drawn_one_for_each_batch(tmp_path: Path) -> None:
    write_pictures(tmp_path, (40, 50))
    patches = load(tmp_path, crop=12, scales=(2, 3, 4), batch=2)
    scales = [patches.batch(step).scale for step in range(300)]
    assert all(scales.count(scale) > 70 for scale in (2, 3, 4))
    batches = {batch.scale: batch for batch in (patches.batch(step) for step in range(300, 330))}
    assert {scale: (batch.lr.shape[-1], batch.hr.shape[-1]) for scale, batch in batches.items()} == {
        2: (6, 12),
        3: (4, 12),
        4: (3, 12),
    }


def test_crops_may_have_as_many_lr_pixels_at_every_scale(tmp_path: Path) -> None:
    write_pictures(tmp_path, (40, 50))
    patches = load(tmp_path, crop=8, crop_in="lr", scales=(1.5, 2, 2.3, 4), batch=2)
    found = {patches.batch(step).scale: patches.batch(step) for step in range(40)}
    sides = {scale: (batch.lr.shape[-1], batch.hr.shape[-1]) for scale, batch in found.items()}
    assert sides == {1.5: (8, 12), 2: (8, 16), 2.3: (8, 18), 4: (8, 32)}


def test_paired_lr_is_cut_where_hr_is(tmp_path: Path) -> None:
    arrays = write_pictures(tmp_path / "HR", (26, 31), (17, 20))
    (tmp_path / "LR_x2").mkdir()
    lr = []
    for name, array in zip("ab", arrays, strict=True):
        # An LR that no degradation would make: every second pixel, inverted.
        small = 255 - array[: len(array) // 2 * 2 : 2, : array.shape[1] // 2 * 2 : 2]
        Image.fromarray(small).save(tmp_path / "LR_x2" / f"{name}x2.png")
        lr.append(as_image(small))
    hr = [as_image(array) for array in arrays]
    batch = load(tmp_path / "HR", lr=str(tmp_path / "LR_x{scale}"), augment=False, batch=16).batch(0)
    for lr_crop, hr_crop in zip(batch.lr, batch.hr, strict=True):
        picture, _, top, left = place_of(hr_crop, hr)
        assert torch.equal(lr_crop, lr[picture][0, :, top // 2 : top // 2 + 4, left // 2 : left // 2 + 4])


def test_batches_are_float32_and_channels_last(tmp_path: Path) -> None:
    write_pictures(tmp_path, (26, 31))
    batch = load(tmp_path).batch(0)
    assert batch.hr.dtype == batch.lr.dtype == torch.float32
    assert batch.hr.is_contiguous(memory_format=torch.channels_last)
    assert batch.lr.is_contiguous(memory_format=torch.channels_last)


def test_pictures_stay_in_their_own_depth(tmp_path: Path) -> None:
    write_pictures(tmp_path / "bytes", (20, 18), (16, 16))
    pixels = 20 * 18 + 16 * 16 + 10 * 9 + 8 * 8
    assert f"{3 * pixels / 1e3:.3g} kB in 8 bits" in load(tmp_path / "bytes").placement
    deep = np.random.default_rng(1).integers(0, 65536, (18, 18, 3), dtype=np.uint16)
    np.save(tmp_path / "bytes" / "deep.npy", deep)
    patches = load(tmp_path / "bytes", batch=12)
    assert "in 16 bits" in patches.placement
    # Values of both depths are exact.
    pictures = [as_image(np.asarray(Image.open(tmp_path / "bytes" / f"{name}.png"))) for name in "ab"]
    pictures.append(torch.from_numpy(deep.astype(np.float32) / np.float32(65535)).permute(2, 0, 1)[None])
    found = {place_of(crop, pictures)[0] for crop in patches.batch(0).hr}
    assert found == {0, 1, 2}


def test_floating_point_pictures_keep_their_values(tmp_path: Path) -> None:
    values = np.random.default_rng(1).random((20, 20, 7), dtype=np.float32)
    np.save(tmp_path / "bands.npy", values)
    batch = load(tmp_path, 7).batch(0)
    picture = torch.from_numpy(values).permute(2, 0, 1)[None]
    assert all(place_of(crop, [picture]) for crop in batch.hr)


def test_colours_become_the_luma_of_matlab_and_gray_is_taken_as_it_is(tmp_path: Path) -> None:
    arrays = write_pictures(tmp_path, (26, 31))
    gray = np.random.default_rng(2).integers(0, 256, (24, 24), dtype=np.uint8)
    Image.fromarray(gray).save(tmp_path / "gray.png")
    luma = rgb_to_y_8bit(torch.from_numpy(arrays[0]).permute(2, 0, 1)[None]).float() / 255
    batch = load(tmp_path, "y", batch=16).batch(0)
    assert {place_of(crop, [luma, as_image(gray)])[0] for crop in batch.hr} == {0, 1}


def test_gray_is_repeated_for_a_network_of_colours_and_said(tmp_path: Path) -> None:
    write_pictures(tmp_path, (26, 31), planes=1)
    patches = load(tmp_path, "rgb")
    batch = patches.batch(0)
    assert batch.hr.shape[1] == batch.lr.shape[1] == 3
    assert torch.equal(batch.hr[:, 0], batch.hr[:, 2])
    assert "1 gray picture taken as RGB with three equal planes" in patches.notes


def test_smaller_copies_join_where_the_crop_fits_into_them(tmp_path: Path) -> None:
    arrays = write_pictures(tmp_path, (20, 24))
    patches = load(tmp_path, shrink=(0.75, 0.25), batch=12, augment=False)
    shrunk = (resize(as_image(arrays[0]), 0.75) * 255 + 0.5).floor().clamp(0, 255) / 255
    found = [place_of(crop, [as_image(arrays[0]), shrunk])[0] for crop in patches.batch(0).hr]
    assert set(found) == {0, 1}
    assert patches.pictures == 1
    assert "smaller copies left out, since the crop does not fit into them: 1" in patches.notes


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"crop": 3, "scales": (4,)}, "HR crop of 3 leaves no LR pixel at scale 4"),
        ({"shrink": (1.5,)}, "factors between 0 and 1"),
        ({"shrink": (0.5,), "lr": "LR_x{scale}"}, "paired LR has none"),
        ({"scales": (1.5,), "crop": 8, "lr": "LR_x{scale}"}, "multiple of 2, as 9"),
        ({"scales": (1.5,), "crop": 5, "crop_in": "lr", "lr": "LR_x{scale}"}, "multiple of 2, as 6"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object], message: str
) -> None:
    write_pictures(tmp_path, (26, 31))
    for scale in ("2", "1.5"):
        write_pictures(tmp_path / f"LR_x{scale}", (13, 15))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatasetError, match=message):
        load(tmp_path, **settings)
