"""Scales: any number from 1/64 to 64, or one for each axis, in specs, sizes and protocols."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from sr_core import degraded_size, lr_size, resize, sr_size
from sr_core.degradations.bicubic import Bicubic
from sr_core.discovery import discover
from sr_core.errors import DatasetError, SpecError
from sr_core.evaluation.truth import make_truth, round_to_8_bits
from sr_core.protocol import PROTOCOLS, Protocol
from sr_core.scales import check_scale, describe_scale, parse_scale
from sr_core.spec.reading import read_spec
from sr_core.spec.schema import spec_schema

AXES = st.integers(16, 64_000).map(lambda thousandths: thousandths / 1000)


@pytest.mark.parametrize(
    ("text", "scale"),
    [("2", 2), ("2.5", 2.5), ("0.5", 0.5), (".5", 0.5), ("2x3", (2, 3)), ("2 x 0.25", (2, 0.25)), ("3x3", 3)],
)
def test_a_scale_is_written_as_a_number_or_vertical_x_horizontal(text: str, scale: object) -> None:
    assert parse_scale(text) == scale


@pytest.mark.parametrize(
    "text", ["", "x", "2x", "x3", "2x3x4", "two", "-2", "nan", "1e1", "2,3", "٣", "0", "65", "2x0"]
)
def test_what_is_no_scale_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a scale"):
        parse_scale(text)


@settings(derandomize=True, max_examples=300)
@given(AXES, AXES)
def test_what_is_written_is_read_again(vertical: float, horizontal: float) -> None:
    for scale in (vertical, (vertical, horizontal)):
        plain = check_scale(scale)
        assert parse_scale(describe_scale(plain)) == plain


@settings(derandomize=True, max_examples=300)
@given(st.integers(1, 3000), st.floats(1 / 64, 1, exclude_max=True))
def test_below_1_any_hr_has_an_lr_and_nothing_of_it_is_cut(side: int, scale: float) -> None:
    rows, columns = lr_size((side, side), (scale, 2))
    assert sr_size((rows, columns), (scale, 2)) == (side, side - side % 2)
    assert rows == degraded_size((side, side), scale)[0]


def scales_of(text: str, folder: Path) -> tuple[object, ...]:
    """What a spec with `scale: text` says."""
    path = folder / "spec.yaml"
    path.write_text(f"name: a\nscale: {text}\nevaluate: {{on: samples, candidates: [bicubic]}}\n", encoding="utf-8")
    return read_spec(path, discover().registry).run.scale


def test_a_spec_mixes_numbers_and_axes(tmp_path: Path) -> None:
    assert scales_of("[2, '2x3', 0.5, 1, 2.5x1]", tmp_path) == (2, (2, 3), 0.5, 1, (2.5, 1))
    assert scales_of("2x3", tmp_path) == ((2, 3),)


def test_equal_axes_are_one_number_and_whole_ones_are_whole_for_networks_that_count_by_them(tmp_path: Path) -> None:
    (both,) = scales_of("4.0x4", tmp_path)
    assert (both, type(both)) == (4, int)
    ((vertical, horizontal),) = scales_of("'2.0x3'", tmp_path)  # type: ignore[misc]
    assert (type(vertical), type(horizontal)) == (int, int)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", "scale: a scale is a number from 1/64 to 64, found 0"),
        ("-2", "from 1/64 to 64, found -2"),
        ("65", "from 1/64 to 64, found 65"),
        (".nan", "from 1/64 to 64, found nan"),
        (".inf", "from 1/64 to 64, found inf"),
        ("1" + "0" * 400, "from 1/64 to 64, found 10000"),
        ("2x0", "from 1/64 to 64, found 0.0"),
        ("2x", "expected a scale, as 2, 0.5 or 2x3 (vertical x horizontal), found '2x'"),
        ("[2, 2x3x4]", "scale[1]: expected a scale, as 2, 0.5 or 2x3 (vertical x horizontal), found '2x3x4'"),
        ("true", "expected a number, found True"),
        ("[[2, 3]]", "expected a number, found [2, 3]; axes are written '2x3', vertical x horizontal"),
        ("[2x3, 2.0x3.0]", "a scale stands twice"),
        ("[2, 2x2]", "a scale stands twice"),
        ("[2, 2.00000001]", "a scale stands twice"),
    ],
)
def test_each_mistake_in_a_scale_names_its_place_and_the_mend(text: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        scales_of(text, tmp_path)
    (fault,) = caught.value.faults
    assert fault.line == 2
    assert expected in str(fault)


@pytest.mark.parametrize(
    ("scale", "good"),
    [(0.5, True), ("2x3", True), ([2, "0.5x1.5"], True), (0, False), ("2", False), ("2x", False), (100, False)],
)
def test_editors_know_what_a_scale_is(scale: object, good: bool) -> None:
    spec = {"name": "a", "scale": scale, "evaluate": {"on": ["samples"], "candidates": ["bicubic"]}}
    assert Draft202012Validator(spec_schema(discover().registry)).is_valid(spec) is good


@pytest.mark.parametrize(
    ("crop", "scale", "pixels"),
    [("scale", (2, 3), 3), ("scale", (2.5, 1), 3), ("scale", 0.5, 1), ("scale+6", (0.5, 2), 8), (4, (2, 3), 4)],
)
def test_the_crop_is_the_larger_axis_rounded_up_and_at_least_1(
    crop: int | str, scale: float | tuple[float, float], pixels: int
) -> None:
    assert Protocol(crop=crop).crop_pixels(scale) == pixels


def picture(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("protocol", ["classic", "modern"])
def test_below_1_the_degradation_enlarges_hr(protocol: str) -> None:
    hr = picture(1, 1, 20, 30)
    truth = make_truth(hr, None, 0.5, PROTOCOLS[protocol], Bicubic(rounding="none"), 0, 0)
    assert truth.hr.shape == (1, 1, 20, 30)
    assert truth.lr.shape == (1, 1, 40, 60)
    enlarged = resize(round_to_8_bits(hr), 2)
    expected = enlarged if protocol == "classic" else round_to_8_bits(enlarged)
    assert torch.allclose(truth.lr.double(), expected, atol=1e-6)


@pytest.mark.parametrize("protocol", ["classic", "modern"])
def test_each_axis_is_cut_and_shrunk_by_its_own_scale(protocol: str) -> None:
    hr = picture(1, 1, 21, 32)
    truth = make_truth(hr, None, (2, 3), PROTOCOLS[protocol], Bicubic(rounding="none"), 0, 0)
    assert truth.hr.shape == (1, 1, 20, 30)
    shrunk = resize(round_to_8_bits(hr)[..., :20, :30], (1 / 2, 1 / 3))
    assert truth.lr.shape == shrunk.shape == (1, 1, 10, 10)
    assert torch.allclose(truth.lr.double(), shrunk, atol=1e-6 if protocol == "classic" else 0.5 / 255 + 1e-6)


@pytest.mark.parametrize(
    ("lr_size", "scale", "fits"),
    [
        ((40, 60), 0.5, True),
        ((20, 30), 0.5, False),
        ((10, 10), (2, 3), True),
        ((10, 15), (2, 3), False),
        ((7, 15), (2, 3), False),
        ((40, 10), (0.5, 3), True),
        ((20, 30), 1, True),
    ],
)
def test_a_data_sets_own_lr_has_to_fit_on_both_axes(
    lr_size: tuple[int, int], scale: float | tuple[float, float], *, fits: bool
) -> None:
    lr = torch.full((1, 3, *lr_size), 0.5)
    if fits:
        assert make_truth(picture(1, 3, 20, 30), lr, scale, PROTOCOLS["modern"], Bicubic(), 0, 0).lr.shape == lr.shape
        return
    with pytest.raises(DatasetError, match=f"at scale {describe_scale(scale)} does not fit HR of 20×30"):
        make_truth(picture(1, 3, 20, 30), lr, scale, PROTOCOLS["modern"], Bicubic(), 0, 0)


def test_a_scale_that_is_no_number_is_refused_wherever_it_comes_from() -> None:
    with pytest.raises(ValueError, match="found nan"):
        check_scale((2, math.nan))
