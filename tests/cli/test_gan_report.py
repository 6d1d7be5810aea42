"""The report of adversarial training: both players' figures, who is heard, drift, phases, and what is said of them."""

from __future__ import annotations

import io
import math
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sr_core.reporting.report import render_report
from sr_core.reporting.run_results import read_run
from sr_core.run_directory import RunDirectory
from sr_core.run_events import RunEvents
from sr_core.training_journal import TrainingJournal
from tests.trained_run import TRAIN, comparison, record, values_at, write_trained_run

PIXELS, ALL = 400, 1000


def adversarial(step: int) -> dict[str, float]:
    """The curves' values in the second phase: the discriminator has won from step 700 on."""
    wins = step > 700
    wave = 0.02 * math.sin(step)
    return {
        "loss/<b>gan/adversarial": 0.7 + wave,
        "own/<b>gan/objective": 1.3 - wave,
        "own/<b>gan/D(real)": 0.97 if wins else 0.7 + wave,
        "own/<b>gan/D(fake)": 0.02 if wins else 0.3 + wave,
        "own/<b>gan/separation": 1.0 if wins else 0.8 + wave,
        "own/<b>gan/r1": 0.01,
        "own/<b>gan/gradient norm": 2 + wave,
        "gradient on SR/<b>gan": 0.02 + wave / 100,
        "gradient on SR/l1": 0.06,
        **{f"drift/{plane}": wave for plane in ("blue", "green", "red")},
        "drift/low frequency": 0.3 + wave,
    }


def write_run(path: Path, *, name: str = "two players") -> Path:
    path.mkdir()
    directory = RunDirectory(path)
    directory.write_text("spec.yaml", "name: two players\n")
    directory.write_json("environment.json", {"device": "cpu", "torch": "2.13", "srkit": "0.1.0"})
    events = RunEvents(directory, [])
    train: list[dict[str, Any]] = [
        {**TRAIN, "name": "<i>pixels", "steps": PIXELS},
        {**TRAIN, "name": "<i>players", "steps": ALL - PIXELS},
    ]
    events.tell("started", spec={"name": name, "train": train}, notes=[])
    with events.keeping_warnings(), TrainingJournal(directory, events, Console(file=io.StringIO()), ALL) as journal:
        for step in range(0, ALL + 1, 20):
            if step:
                more = adversarial(step) if step > PIXELS else {}
                journal.logged(step, {**values_at(step / ALL), **more})
            if step % 200 == 0:
                journal.pictured(step, comparison("Set5", "butterfly", step / ALL, (32, 36)))
                journal.validated(step, [record("trained", 30 + step / ALL)])
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("gan") / "run")


@pytest.fixture(scope="module")
def page(run: Path) -> str:
    return render_report([read_run(run)])


def figures(page: str) -> dict[str, str]:
    """The drawing of each plot by its title."""
    return dict(re.findall(r"<figcaption>([^<]*)</figcaption><div class=\"scroll\">(.*?</svg>)", page, re.DOTALL))


def numbers(drawing: str) -> list[float]:
    return [float(text.replace("−", "-")) for text in re.findall(r">([-−]?[\d.]+)%?</text>", drawing)]


def test_both_players_have_their_plots(page: str) -> None:
    plots = figures(page)
    shown = {
        "&lt;b&gt;gan: what it takes for real": ("D(real)", "D(fake)", "undecided"),
        "&lt;b&gt;gan: what either side minimises": ("network: adversarial", "gan: objective"),
        "&lt;b&gt;gan: more of its own training": (),
        "separation: pairs of real and made told apart": ("gan", "chance", "every pair"),
        "gradient norm of either side": ("network", "gan"),
        "whom the network hears: share of the gradient on SR": ("gan", "l1"),
        "drift: SR shrunk minus LR, in levels of 255": ("red", "green", "blue", "low frequency", "±1 level"),
    }
    assert set(shown) <= set(plots)
    for title, names in shown.items():
        for name in names:
            assert name in plots[title], (title, name)
    assert "<b>gan" not in page


def test_each_curve_is_drawn_in_one_place(page: str) -> None:
    plots = figures(page)
    assert "adversarial" not in plots["loss"]
    assert "gan: its own training" not in page
    assert not {"gradient on SR", "drift"} & set(plots)


def test_their_plots_begin_with_their_phase_and_the_others_with_the_run(page: str) -> None:
    plots = figures(page)
    assert min(numbers(plots["gradient norm of either side"].replace(",", ""))[:4]) == PIXELS
    assert "&lt;i&gt;pixels" in plots["loss"]
    assert "&lt;i&gt;players" in plots["loss"]
    assert "&lt;i&gt;pixels" not in plots["gradient norm of either side"]
    assert "&lt;i&gt;players" in plots["gradient norm of either side"]
    assert "&lt;i&gt;players" in plots["validation: psnr (dB), higher is better"]


def test_what_went_wrong_is_listed_with_its_step_and_is_no_note(page: str) -> None:
    text = "the discriminator of loss &#39;&lt;b&gt;gan&#39; has won"
    assert page.count(text) == 1
    assert f"<li><b>step 800:</b> {text}" in page
    assert "brought 1 warning of losses that learn" in page


def test_pictures_over_time_count_the_steps_of_all_phases(page: str) -> None:
    assert re.findall(r'alt="SR, step ([\d,]+)', page) == ["0", "200", "400", "600", "800", "1,000"]


@pytest.mark.usefixtures("no_plots")
def test_a_run_without_such_losses_has_none_of_it(tmp_path: Path) -> None:
    page = render_report([read_run(write_trained_run(tmp_path / "plain"))])
    assert "what learns beside it" not in page
    assert "losses that learn" not in page


@pytest.mark.usefixtures("no_plots")
def test_runs_side_by_side_have_their_own_players(run: Path, tmp_path: Path) -> None:
    page = render_report([read_run(run), read_run(write_run(tmp_path / "again"))])
    assert page.count("<figcaption>gradient norm of either side</figcaption>") == 2
    assert "brought 2 warnings of losses that learn" in page


def test_scores_of_critics_have_a_plot_and_no_axis_of_probabilities(tmp_path: Path) -> None:
    path = write_run(tmp_path / "critic")
    metrics = path / "metrics.csv"
    text = (
        metrics.read_text(encoding="utf-8").replace("D(real),0", "critic(real),70").replace("D(fake)", "critic(fake)")
    )
    metrics.write_text(text, encoding="utf-8")
    plots = figures(render_report([read_run(path)]))
    assert max(numbers(plots["&lt;b&gt;gan: scores"])) > 10
    assert "&lt;b&gt;gan: what it takes for real" not in plots
