"""Tables and comparison sheets say what was measured."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

from sr_core.errors import RunDirectoryError
from sr_core.file_names import file_name
from sr_core.protocol import PROTOCOLS
from sr_core.record import Record
from sr_core.reporting.sheet import BETWEEN_FIGURES, GAP, TILE, Panel, draw_sheet, find_details
from sr_core.reporting.tables import csv_table, is_best, markdown_table, terminal_table
from sr_core.run_directory import RunDirectory, default_path


def record(
    candidate: str, mean: float, metric: str = "psnr", *, higher: bool = True, seconds: float | None = 0.5
) -> Record:
    return Record(
        dataset="Set5",
        scale=2,
        candidate=candidate,
        metric=metric,
        protocol=PROTOCOLS["modern"],
        mean=mean,
        per_image={"baby": mean, "bird": mean},
        seconds_per_image=seconds,
        device="cpu",
        precision="float32",
        low_resolution="data set",
        unit="dB" if metric == "psnr" else "",
        higher_is_better=higher,
        decimals=2,
    )


RECORDS = [
    record("nearest", 30.123),
    record("nearest", 5.0, "niqe", higher=False),
    record("pipe|name", 33.456, seconds=None),
    record("pipe|name", 4.0, "niqe", higher=False, seconds=None),
]


def test_the_best_is_marked_in_the_direction_of_its_metric() -> None:
    assert [is_best(r, RECORDS) for r in RECORDS] == [False, False, True, True]


def test_a_lone_candidate_is_not_called_the_best() -> None:
    assert not is_best(RECORDS[0], RECORDS[:1])


def test_the_markdown_table_has_figures_in_bold_and_the_protocol_beneath() -> None:
    table = markdown_table(RECORDS)
    assert "| Set5 ×2 | nearest | 30.12 | 5.00 | 0.500 |" in table
    assert "| Set5 ×2 | pipe\\|name | **33.46** | **4.00** | – |" in table
    assert "Protocol modern: luma y, crop scale, clip full, lr dataset (data set); SR made in float32 on cpu." in table


def test_the_terminal_table_prints_the_same_figures() -> None:
    console = Console(file=io.StringIO(), width=120)
    console.print(terminal_table([*RECORDS, record("[red]", math.inf)], "title"))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    for word in ("30.12", "33.46", "∞", "–", "[red]", "psnr (dB)"):
        assert word in text


def test_the_csv_table_has_a_row_for_each_mean_and_picture() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_table(RECORDS))))
    assert len(rows) == 4 * 3
    assert rows[0]["picture"] == ""
    assert float(rows[1]["value"]) == 30.123
    assert {row["lr"] for row in rows} == {"dataset"}


def test_records_are_valid_json_also_when_infinite() -> None:
    plain = json.loads(record("same", math.inf).model_dump_json())
    assert plain["mean"] == "Infinity"


def pattern(height: int, width: int, planes: int = 3) -> torch.Tensor:
    """Flat gray with one busy square."""
    picture = torch.full((1, planes, height, width), 0.5)
    top, left = height // 2, width // 2
    busy = torch.rand((1, planes, height // 4, width // 4), generator=torch.Generator().manual_seed(0))
    picture[..., top : top + height // 4, left : left + width // 4] = busy
    return picture


def test_the_first_detail_is_where_the_picture_is_busiest() -> None:
    detail = find_details(pattern(200, 240))[0]
    assert 80 <= detail.top <= 120
    assert 100 <= detail.left <= 140


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 3), (20, 20), (300, 500)])
def test_details_lie_inside_any_picture_and_do_not_overlap(size: tuple[int, int]) -> None:
    details = find_details(torch.rand((1, 1, *size)))
    assert details
    for detail in details:
        assert 0 <= detail.top <= size[0] - detail.side
        assert 0 <= detail.left <= size[1] - detail.side
    if len(details) == 2:
        one, two = details
        assert abs(one.top - two.top) >= one.side or abs(one.left - two.left) >= one.side


def test_a_sheet_shows_the_same_detail_of_every_panel_pixel_for_pixel() -> None:
    hr = pattern(128, 128)
    panels = [Panel("white", "", torch.ones_like(hr)), Panel("HR", "the truth", hr)]
    sheet = np.asarray(draw_sheet("title", hr, panels))
    detail = find_details(hr)[0]
    cut = np.asarray(detail.cut(hr))
    factor = 256 // detail.side
    last = sheet[40:296, -268:-12]  # the right-most tile of the first row
    inner = slice(4 * factor, -4 * factor, factor)
    assert np.array_equal(last[inner, inner], cut[4:-4, 4:-4])


@pytest.mark.parametrize("count", [1, 3, 9])
def test_many_panels_go_on_in_the_next_row(count: int) -> None:
    hr = pattern(64, 64, planes=1)
    sheet = draw_sheet("title", hr, [Panel(f"candidate {i}", "note", hr) for i in range(count)])
    assert sheet.mode == "RGB"
    assert sheet.height > 256 * (2 if count > 6 else 1)


def test_figures_that_are_too_many_for_one_line_stay_beneath_their_own_picture() -> None:
    hr = torch.rand((1, 3, 64, 64), generator=torch.Generator().manual_seed(1))
    note = BETWEEN_FIGURES.join(["psnr 26.84 dB", "ssim 0.8429", "consistency 35.10 dB", "drift 0.09 levels"])
    few, many = (
        np.asarray(draw_sheet("title", hr, [Panel("one", text, hr), Panel("other", "", hr)])) for text in ("", note)
    )
    assert many.shape[0] > few.shape[0], "the sheet has room for further lines"
    start = many.shape[1] - (TILE + GAP)  # of the other picture, which has no figures: nothing may be written there
    beneath = many[-2 * GAP :, start:]
    assert bool((beneath == 255).all())


def test_names_become_file_names_of_any_system() -> None:
    assert file_name('a/b:c*"d"') == "a_b_c__d_"
    assert file_name("名前 ") == "名前"
    assert file_name("..") == "_"


def test_a_run_directory_is_new_or_empty(tmp_path: Path) -> None:
    directory = RunDirectory.create(tmp_path / "new/run")
    directory.write_json("a.json", {"名": [1]})
    directory.log("started", path=tmp_path)
    assert json.loads((directory.path / "a.json").read_text(encoding="utf-8")) == {"名": [1]}
    with pytest.raises(RunDirectoryError, match="is not empty"):
        RunDirectory.create(tmp_path / "new/run")
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RunDirectoryError, match="cannot be used"):
        RunDirectory.create(tmp_path / "file")


def test_two_runs_in_one_second_get_two_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = []
    for _ in range(3):
        made.append(default_path("name"))
        made[-1].mkdir(parents=True)
    assert len(set(made)) == 3


def test_a_sheet_is_an_image_that_can_be_saved(tmp_path: Path) -> None:
    draw_sheet("title", pattern(64, 64), [Panel("HR", "", pattern(64, 64))]).save(tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.format == "PNG"
