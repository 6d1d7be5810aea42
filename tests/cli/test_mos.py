"""`srkit mos`: a blind rating page, and mean opinion scores from what raters send back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Srkit = Callable[..., Result]

pytestmark = pytest.mark.usefixtures("no_plots")


@pytest.fixture
def run(srkit: Srkit, photographs: Path, tmp_path: Path) -> Path:
    assert photographs.exists()
    spec = tmp_path / "spec.yaml"
    spec.write_text("name: first\nscale: 2\nevaluate: {on: photographs, candidates: [nearest, bicubic]}\n", "utf-8")
    srkit("run", spec, "--output", tmp_path / "run")
    return tmp_path / "run"


def test_the_page_names_no_candidate_and_is_shuffled_by_its_seed(run: Path, srkit: Srkit, tmp_path: Path) -> None:
    assert srkit("mos", run).output.strip() == str(run / "mos.html")
    page = (run / "mos.html").read_text(encoding="utf-8")
    assert "bicubic" not in page
    assert "nearest" not in page
    assert len(re.findall(r"data:image/webp;base64,", page)) >= 3 * 3
    for seed, name in ((0, "same"), (1, "other")):
        srkit("mos", run, "--seed", str(seed), "-o", tmp_path / f"{name}.html")
    assert (tmp_path / "same.html").read_text(encoding="utf-8") == page
    assert (tmp_path / "other.html").read_text(encoding="utf-8") != page


def ratings(path: Path, rater: str, scores: dict[str, list[int]]) -> Path:
    given = [
        {"dataset": "Set5", "scale": 2.0, "picture": f"p{index}", "candidate": candidate, "score": score}
        for candidate, all_scores in scores.items()
        for index, score in enumerate(all_scores)
    ]
    path.write_text(json.dumps({"run": "first", "rater": rater, "ratings": given}), encoding="utf-8")
    return path


def test_scores_have_the_confidence_interval_of_students_t(srkit: Srkit, tmp_path: Path) -> None:
    """Ratings 1 2 3 4 5: mean 3, standard error 0.7071, t(0.975, 4) = 2.776: ± 1.963."""
    files = [
        ratings(tmp_path / "a.json", "ann", {"bicubic": [1, 2, 3], "HR": [5, 5, 5]}),
        ratings(tmp_path / "b.json", "bob", {"bicubic": [4, 5]}),
    ]
    scores = json.loads(srkit("mos", "--collect", "--json", *files).output)
    assert [score["candidate"] for score in scores] == ["HR", "bicubic"]
    bicubic = scores[1]
    assert (bicubic["mean"], bicubic["ratings"], bicubic["raters"]) == (3, 5, 2)
    assert bicubic["margin"] == pytest.approx(1.963, abs=0.001)
    assert "3.00 ± 1.96" in srkit("mos", "--collect", *files).output


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("not json", "holds no ratings"),
        ('{"run": "a", "rater": "b", "ratings": [{"score": 9}]}', "holds no ratings"),
    ],
)
def test_a_file_without_ratings_is_named(content: str, complaint: str, srkit: Srkit, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(content, encoding="utf-8")
    done = srkit("mos", "--collect", tmp_path / "a.json")
    assert done.exit_code == 2
    assert complaint in done.output
    assert "a.json" in done.output


def test_a_rater_counts_once(srkit: Srkit, tmp_path: Path) -> None:
    files = [ratings(tmp_path / f"{name}.json", "ann", {"bicubic": [1]}) for name in "ab"]
    assert "two files hold the ratings of 'ann'" in srkit("mos", "--collect", *files).output


def test_a_run_without_previews_and_several_runs_are_refused(run: Path, srkit: Srkit, tmp_path: Path) -> None:
    assert "give one run" in srkit("mos", run, run).output
    for index in (run / "previews").rglob("panels.json"):
        index.unlink()
    assert "holds no previews" in srkit("mos", run).output


def test_in_a_browser_a_rater_goes_through_all_pictures_and_exports_names(
    run: Path, srkit: Srkit, browser: Any, tmp_path: Path
) -> None:
    srkit("mos", run)
    browser.get((run / "mos.html").as_uri())
    browser.execute_script(
        "document.getElementById('rater').value = 'ann'; document.querySelector('#start button').click()"
    )
    for score in (1, 2, 3, 4, 5, 1, 2, 3):
        browser.execute_script(f"document.querySelector('[data-score=\"{score}\"]').click()")
    browser.execute_script("document.getElementById('back').click()")
    for score in (4, 5):
        browser.execute_script(f"document.querySelector('[data-score=\"{score}\"]').click()")
    assert browser.execute_script("return document.getElementById('end').hidden") is False
    exported = browser.execute_script("return JSON.stringify(exported())")
    assert browser.get_log("browser") == []
    (tmp_path / "ann.json").write_text(exported, encoding="utf-8")
    scores = json.loads(srkit("mos", "--collect", "--json", tmp_path / "ann.json").output)
    assert {score["candidate"] for score in scores} == {"nearest", "bicubic", "HR"}
    assert sum(score["ratings"] for score in scores) == 9
    assert sum(score["mean"] * score["ratings"] for score in scores) == pytest.approx(1 + 2 + 3 + 4 + 5 + 1 + 2 + 4 + 5)
