"""Large pictures in tiles: nothing changes where the margin is exact, and memory decides when they are cut."""

from __future__ import annotations

import logging

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from sr_core import AnyScaleModel, Grid, Model, Scale, resize, sr_size
from sr_core.errors import ContractError
from sr_core.imaging.size import per_axis
from sr_core.inference import tile_size
from sr_core.inference.engine import super_resolve
from sr_core.inference.networks import ready
from sr_core.inference.tile_size import peak_bytes
from sr_core.inference.tiles import spans, tile_step
from sr_core.interfaces.capabilities import ScaleRange


class Sharpened(Model):
    """Bicubic and two 3×3 convolutions on the enlarged picture: sees 3 LR pixels at ×2 and more."""

    scales = ScaleRange(1, 8)
    channels = "rgb"
    margin = 4

    def __init__(self, multiple: int = 1) -> None:
        super().__init__()
        self.multiple = multiple
        self.asked: list[tuple[int, int]] = []
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 3, padding=1))

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        self.asked.append((lr.shape[-2], lr.shape[-1]))
        sr: Tensor = self.layers(resize(lr, scale, sr_size((lr.shape[-2], lr.shape[-1]), scale), "bicubic"))
        return sr


class Averaging(Sharpened):
    """Sees the whole picture: subtracts its mean."""

    margin = None

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        return super().forward(lr, scale) - lr.mean(dim=(-2, -1), keepdim=True)


class Interpolating(AnyScaleModel):
    """One convolution, then linear interpolation between feature positions: sees 2 LR pixels."""

    scales = ScaleRange(1, 4)
    channels = "rgb"
    margin = 2

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 3, padding=1)

    def encode(self, lr: Tensor) -> Tensor:
        features: Tensor = self.layer(lr)
        return features

    def decode(self, features: Tensor, grid: Grid, scale: Scale) -> Tensor:
        rows = _between(features, grid.vertical, -2)
        return _between(rows, grid.horizontal, -1)


def _between(features: Tensor, position: Tensor, axis: int) -> Tensor:
    position = position.clamp(0, features.shape[axis] - 1)
    low = position.floor().long().clamp(max=max(0, features.shape[axis] - 2))
    high = (low + 1).clamp(max=features.shape[axis] - 1)
    share = (position - low).view((-1, 1) if axis == -2 else (-1,))
    return features.index_select(axis, low) * (1 - share) + features.index_select(axis, high) * share


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(4)


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 1.5, 2.5, (2, 3), (1.25, 4), 1.15, 2.3, 4.1])
@pytest.mark.parametrize("size", [(61, 90), (16, 200), (1, 70), (70, 1)])
def test_tiles_change_nothing_where_the_margin_is_exact(scale: Scale, size: tuple[int, int]) -> None:
    network, picture = Sharpened().eval(), torch.rand(2, 3, *size)
    whole = super_resolve(network, picture, scale)
    network.asked.clear()
    assert (super_resolve(network, picture, scale, tile=20) - whole).abs().max() < 1e-6
    assert len(network.asked) > 1, "it was not cut"
    assert max(max(asked) for asked in network.asked) <= 20 + 2 * (4 + 20)


def test_tiles_begin_and_end_where_the_network_wants_multiples() -> None:
    network, picture = Sharpened(multiple=8).eval(), torch.rand(1, 3, 50, 77)
    whole = super_resolve(network, picture, 2)
    network.asked.clear()
    assert torch.allclose(super_resolve(network, picture, 2, tile=24), whole, atol=1e-6)
    assert all(side % 8 == 0 for asked in network.asked for side in asked)


@pytest.mark.parametrize("scale", [1.1, 1.37, 2.5, 3.99, (2, 3), 2**0.5])
def test_networks_for_any_scale_answer_for_cuts_of_one_grid(scale: Scale) -> None:
    network, picture = Interpolating().eval(), torch.rand(1, 3, 53, 38)
    whole = super_resolve(network, picture, scale)
    assert (super_resolve(network, picture, scale, tile=16) - whole).abs().max() < 4e-5


def test_a_network_that_sees_the_whole_picture_is_feathered_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    network, picture = Averaging().eval(), torch.linspace(0, 1, 300).expand(1, 3, 200, 300)
    whole = super_resolve(network, picture, 2)
    with caplog.at_level(logging.WARNING, "srkit"):
        tiled = super_resolve(network, picture, 2, tile=100)
    assert "overlap by 64" in caplog.text
    error = tiled - whole
    assert error.abs().max() > 0.1, "tiles see other means"
    assert error.diff(dim=-1).abs().max() < 0.005, "a seam is to be seen"


def test_a_scale_at_which_no_pixels_meet_cannot_be_tiled() -> None:
    with pytest.raises(ContractError, match="cannot be cut in tiles.*such as 2"):
        super_resolve(Sharpened().eval(), torch.rand(1, 3, 80, 80), 2**0.5, tile=20)


def test_a_picture_is_cut_only_where_its_feature_maps_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    network, picture = Sharpened().eval(), torch.rand(1, 3, 400, 700)
    whole = super_resolve(network, picture, 2)
    assert set(network.asked) == {(400, 700)}, "it fits, and was cut"
    needed = peak_bytes(network, picture.shape, 2)
    network.asked.clear()
    monkeypatch.setattr(tile_size, "host_memory", lambda: needed)  # a quarter of it may be taken
    tiled = super_resolve(network, picture, 2)
    assert torch.allclose(tiled, whole, atol=1e-6)
    largest = max(rows * columns for rows, columns in network.asked if (rows, columns) != (400, 700))
    assert 0.1 < largest / (400 * 700) <= 0.27


def test_the_memory_of_a_picture_is_foretold_without_computing() -> None:
    maps = 8 * 200 * 300 * 4
    assert 2 * maps <= peak_bytes(Sharpened(), torch.Size((1, 3, 100, 150)), 2) <= 3.5 * maps


def test_a_network_that_cannot_run_without_contents_is_cut_at_a_fixed_size() -> None:
    class Looking(Sharpened):
        def forward(self, lr: Tensor, scale: Scale) -> Tensor:
            assert float(lr.sum()) >= 0  # on the meta device there is no such number
            return super().forward(lr, scale)

    network = Looking().eval()
    super_resolve(network, torch.rand(1, 3, 600, 500), 2)
    assert len(network.asked) > 1


def test_a_network_may_keep_what_it_computed_for_a_size() -> None:
    class Remembering(Sharpened):
        kept: Tensor | None = None

        def forward(self, lr: Tensor, scale: Scale) -> Tensor:
            if self.kept is None or self.kept.shape != lr.shape:
                self.kept = torch.ones_like(lr)
            return super().forward(lr * self.kept, scale)

    network = Remembering().eval()
    assert super_resolve(network, torch.rand(1, 3, 600, 500), 2).shape == (1, 3, 1200, 1000)


def test_what_sees_the_whole_picture_and_foretells_nothing_stays_whole() -> None:
    class Unknown(Averaging):
        def forward(self, lr: Tensor, scale: Scale) -> Tensor:
            assert float(lr.sum()) >= 0
            return super().forward(lr, scale)

    network = Unknown().eval()
    super_resolve(network, torch.rand(1, 3, 600, 700), 2)
    assert set(network.asked) == {(600, 700)}


def test_where_no_pixels_meet_a_large_picture_stays_whole_unless_tiles_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tile_size, "host_memory", lambda: 1)
    network = Sharpened().eval()
    assert super_resolve(network, torch.rand(1, 3, 700, 800), 2**0.5).shape[-2:] == (990, 1131)


def test_a_network_for_any_scale_that_adds_to_decoding_is_asked_as_a_whole() -> None:
    class Adding(Interpolating):
        def forward(self, lr: Tensor, scale: Scale) -> Tensor:
            return super().forward(lr, scale) + resize(lr, scale, sr_size((lr.shape[-2], lr.shape[-1]), scale))

    network, picture = Adding().eval(), torch.rand(1, 3, 50, 41)
    assert torch.allclose(super_resolve(network, picture, 2, tile=16), super_resolve(network, picture, 2), atol=1e-5)


@given(hundredths=st.integers(101, 800), length=st.integers(1, 400), side=st.integers(16, 120))
@settings(max_examples=300, deadline=None)
def test_tiles_are_as_large_as_their_part_of_the_whole(hundredths: int, length: int, side: int) -> None:
    scale = hundredths / 100
    step = tile_step(1, scale)
    assert step is not None
    whole = sr_size((length, length), scale)[0]
    for span in spans(length, side, 4, step):
        made = sr_size((span.last - span.first, 1), scale)[0]
        begins = span.first * hundredths / 100
        assert begins == int(begins)
        assert made == (whole if span.last == length else int(span.last * hundredths / 100)) - int(begins)


def test_pictures_are_measured_where_the_system_does_not_say_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.sysconf")
    assert super_resolve(Sharpened().eval(), torch.rand(1, 3, 600, 500), 2).shape == (1, 3, 1200, 1000)


def test_a_network_of_three_dimensional_convolutions_is_laid_out_as_it_is() -> None:
    class Spectral(Model):
        scales = frozenset({2.0})
        channels = 5

        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Conv3d(1, 1, 3, padding=1)

        def forward(self, lr: Tensor, scale: Scale) -> Tensor:
            return resize(self.layer(lr.unsqueeze(1)).squeeze(1), scale)

    network = ready(Spectral(), torch.device("cpu"))
    assert super_resolve(network, torch.rand(1, 5, 6, 7), 2).shape == (1, 5, 12, 14)


@given(
    length=st.integers(1, 500), side=st.integers(1, 200), margin=st.integers(0, 40), step=st.sampled_from([1, 2, 5, 8])
)
@settings(max_examples=200, deadline=None)
def test_tiles_cover_a_line_once_and_see_their_margin(length: int, side: int, margin: int, step: int) -> None:
    line = spans(length, side, margin, step)
    assert [span.start for span in line] == [0, *(span.stop for span in line[:-1])]
    assert line[-1].stop == length
    for span in line:
        assert span.first == 0 or (span.start - span.first >= margin and span.first % step == 0)
        assert span.last == length or (span.last - span.stop >= margin and span.last % step == 0)
        assert span.stop - span.start <= max(side, step) + step


@pytest.mark.parametrize(
    ("scale", "multiple", "step"), [(2, 1, 1), (2.5, 1, 2), (1.37, 1, 100), ((2, 1.5), 4, 4), (2**0.5, 1, None)]
)
def test_tiles_borders_lie_where_pixels_of_both_pictures_meet(scale: Scale, multiple: int, step: int | None) -> None:
    assert tile_step(multiple, scale) == step
    if step is not None:
        assert all((step * axis) == pytest.approx(round(step * axis), abs=1e-9) for axis in per_axis(scale))
