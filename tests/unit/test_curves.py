"""The curves of a training: read from what a run leaves, thinned and drawn."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from sr_core.reporting.curves import (
    MOST_POINTS,
    Curve,
    Panel,
    is_validation,
    read_curves,
    thinned,
    training_panels,
    validation_curve,
)
from sr_core.reporting.panels import draw_panel
from sr_core.run_directory import RunDirectory


@pytest.fixture
def metrics(tmp_path: Path) -> Path:
    RunDirectory(tmp_path).add_metrics(100, {"loss": 0.5, "Set5, cut x2x3/psnr": 30.125})
    RunDirectory(tmp_path).add_metrics(200, {"loss": math.nan})
    return tmp_path / "metrics.csv"


def test_what_a_run_writes_is_read_back_to_the_last_digit(metrics: Path) -> None:
    curves = read_curves(metrics)
    assert curves["Set5, cut x2x3/psnr"] == Curve((100,), (30.125,))
    assert curves["loss"].steps == (100, 200)
    assert curves["loss"].values[0] == 0.5
    assert math.isnan(curves["loss"].values[1])


@pytest.mark.parametrize(
    "torn", ["3", "300,lo", "300,loss,", "300,loss,0.2", '300,"lo', "300,loss,0.2,\n", "x,loss,1\n"]
)
def test_a_line_that_was_torn_is_passed_over(metrics: Path, torn: str) -> None:
    with metrics.open("a", encoding="utf-8") as file:
        file.write(torn)
    assert read_curves(metrics)["loss"].steps == (100, 200)


def test_bytes_that_are_no_text_harm_their_own_line_alone(metrics: Path) -> None:
    with metrics.open("ab") as file:
        file.write(b"300,\xff\xfe,1\n400,loss,0.25\n")
    assert read_curves(metrics)["loss"].steps == (100, 200, 400)


def test_where_steps_go_back_what_came_later_counts(metrics: Path) -> None:
    RunDirectory(metrics.parent).add_metrics(150, {"loss": 0.25})
    assert read_curves(metrics)["loss"] == Curve((100, 150), (0.5, 0.25))


def test_a_file_with_its_heading_alone_has_no_curves(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("step,curve,value\n", encoding="utf-8")
    assert read_curves(tmp_path / "metrics.csv") == {}


def test_a_long_curve_is_thinned_and_keeps_its_ends_and_its_peaks() -> None:
    values = [math.sin(step / 50) for step in range(50_000)]
    values[31_415], values[27_182] = 7.0, -7.0
    curve = thinned(Curve(tuple(range(50_000)), tuple(values)))
    assert len(curve.steps) <= MOST_POINTS
    assert (curve.steps[0], curve.steps[-1]) == (0, 49_999)
    assert (max(curve.values), min(curve.values)) == (7.0, -7.0)
    assert list(curve.steps) == sorted(set(curve.steps))


def test_a_long_curve_without_a_number_is_thinned_too() -> None:
    assert len(thinned(Curve(tuple(range(5000)), (math.nan,) * 5000)).steps) <= MOST_POINTS


@pytest.mark.parametrize(("higher", "best"), [(True, (200, 3.0)), (False, (100, 1.0))])
def test_the_best_point_is_the_first_best_in_the_direction_of_the_metric(higher: bool, best: tuple[int, float]) -> None:
    curve = Curve((50, 100, 200, 300, 400), (math.nan, 1.0, 3.0, 3.0, 1.0))
    assert curve.best(higher_is_better=higher) == best
    assert Curve((1,), (math.nan,)).best(higher_is_better=higher) is None


def test_curves_are_sorted_into_panels_losses_first() -> None:
    names = ("gradient norm", "waiting for data", "loss", "loss/mse", "loss/l1", "own/gan/real", "learning rate", "odd")
    curves = {name: Curve((1,), (index,)) for index, name in enumerate((*names, "Set5 x3/psnr", "images per second"))}
    panels = training_panels(curves)
    assert [panel.title for panel in panels] == [
        *("loss", "gan: its own training", "odd", "learning rate", "gradient norm"),
        *("images per second", "time spent waiting for data"),
    ]
    assert set(panels[0].curves) == {"loss", "loss/mse", "loss/l1"}


def test_the_only_term_of_a_loss_is_not_drawn_twice() -> None:
    same = Curve((1, 2), (0.5, 0.25))
    (panel,) = training_panels({"loss/mse": same, "loss": same})
    assert list(panel.curves) == ["loss"]


def test_curves_of_validation_are_known_by_their_names() -> None:
    assert validation_curve("Set5", (2, 3), "psnr") == "Set5 x2x3/psnr"
    assert is_validation("Set5 x2x3/psnr")
    assert is_validation("My x files x0.5/ssim")
    assert not any(map(is_validation, ("loss", "loss/mse x2", "own/gan x2/real", "learning rate")))


def test_a_panel_is_drawn_with_its_names_in_the_colours_of_the_page() -> None:
    curves = {"Set5 ×3": Curve((0, 1000), (28.0, 32.0)), "<b>$x$": Curve((0, 1000), (math.inf, math.nan))}
    svg = draw_panel(Panel("psnr", curves, {"Set5 ×3": ("bicubic", 30.39)}))
    assert svg.startswith("<svg")
    assert "currentColor" in svg
    assert "bicubic" in svg
    assert "&lt;b&gt;$x$" in svg
    assert "<b>" not in svg


@pytest.mark.parametrize(
    ("values", "ticks"),
    [((1.0, 0.001), {"0.01", "0.1", "1"}), ((0.5, -0.5), {"0.0", "0.4"}), ((0.5, 0.4), {"0.40", "0.50"})],
)
def test_a_loss_that_spans_much_has_a_logarithmic_axis_with_plain_numbers(
    values: tuple[float, float], ticks: set[str]
) -> None:
    svg = draw_panel(Panel("loss", {"loss": Curve((0, 9), values)}, {}, "logarithmic"))
    shown = {text.replace("−", "-") for text in re.findall(r">([-−\d.]+)</text>", svg)}
    assert ticks <= shown


def test_figures_of_a_network_that_knows_nothing_yet_do_not_flatten_the_curve_of_validation() -> None:
    curve = Curve((0, 1000, 30_000, 60_000), (9.3, 25.0, 32.0, 32.5))
    svg = draw_panel(Panel("psnr", {"Set5 ×3": curve}, {"Set5 ×3": ("bicubic", 30.39)}, "but the start"))
    ticks = [float(text) for text in re.findall(r">(\d+\.\d+)</text>", svg)]
    assert min(ticks) >= 30
    assert max(ticks) <= 33


@pytest.mark.parametrize("curve", [Curve((0,), (9.3,)), Curve((0, 9), (math.inf, math.nan)), Curve((5, 6), (1.0, 1.0))])
def test_a_validation_with_little_to_show_is_drawn_too(curve: Curve) -> None:
    assert "<svg" in draw_panel(Panel("psnr", {"Set5 ×3": curve}, {}, "but the start"))


def test_speed_and_share_begin_at_0_even_where_nothing_was_waited_for() -> None:
    for axis in ("from 0", "share"):
        svg = draw_panel(Panel("", {"x": Curve((1, 2), (0.0, 0.0))}, {}, axis))  # type: ignore[arg-type]
        assert re.search(r">0(\.0|%)</text>", svg)
