"""The report: one file that opens offline, reads in light and dark, and lets one look closely."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from sr_core.cli import main
from tests.conftest import textured
from tests.trained_run import record, write_results, write_trained_run

Srkit = Callable[..., Result]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three candidates, one of them with a hostile name, on six pictures with hostile names."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "photographs").mkdir()
    for index, name in enumerate(("<script>alert(1)<", "&amp;", 'quote"', "写真", "alpha", "beta")):
        Image.fromarray(textured((40, 44), 3, index)).save(folder / f"photographs/{name}.png")
    evaluate = (
        "{on: {name: '<b>Mine', hr: photographs}, candidates: [nearest, bicubic, {name: '<i>x', upsampler: spline}]}"
    )
    (folder / "spec.yaml").write_text(f"name: first run\nscale: 2\nevaluate: {evaluate}\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["run", str(folder / "spec.yaml"), "--output", str(folder / "run")])
    assert done.exit_code == 0, done.output
    return folder / "run"


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """The finished run, in a copy of this test's own."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def test_every_run_leaves_a_report_that_needs_nothing_else(finished: Path) -> None:
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)


def test_names_are_escaped_everywhere(finished: Path) -> None:
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "<i>x" not in page
    assert "<b>Mine" not in page
    assert "&lt;script&gt;alert(1)&lt;" in page
    assert page.count("<script>") == 1


def test_the_report_holds_figures_protocol_precision_costs_tests_environment_and_spec(finished: Path) -> None:
    page = (finished / "report.html").read_text(encoding="utf-8")
    for word in (
        *("Protocol modern: luma y, crop scale", "float32", "seconds<br>per megapixel", "peak memory"),
        *("Paired Wilcoxon tests", "candidates:", "processor", "data:image/webp;base64,", "写真"),
    ):
        assert word in page


def test_the_report_can_be_drawn_again_and_runs_stand_side_by_side(run: Path, srkit: Srkit, tmp_path: Path) -> None:
    first = (run / "report.html").read_text(encoding="utf-8")
    assert srkit("report", run).output.strip() == str(run / "report.html")
    assert (run / "report.html").read_text(encoding="utf-8") == first
    shutil.copytree(run, tmp_path / "other")
    done = srkit("report", run, tmp_path / "other", "-o", tmp_path / "both.html")
    assert done.exit_code == 0, done.output
    assert "first run: bicubic" in (tmp_path / "both.html").read_text(encoding="utf-8")


def test_what_is_no_run_is_told_so(srkit: Srkit, run: Path, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    assert "holds no results.json" in srkit("report", tmp_path / "nothing").output
    assert "several runs need --output" in srkit("report", run, run).output
    (run / "results.json").write_text("[{]", encoding="utf-8")
    done = srkit("report", run)
    assert done.exit_code == 2
    assert "cannot be read as a run" in done.output


@pytest.mark.usefixtures("no_plots")
def test_whole_pictures_are_left_out_where_there_are_too_many_and_the_report_says_so(finished: Path) -> None:
    page = page_of(finished, most_bytes=0)
    assert re.search(r"\d+ whole pictures are left out", page)
    assert 'class="slider"' not in page


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that only trained, with hostile names, and its report."""
    folder = tmp_path_factory.mktemp("once") / "trained"
    write_trained_run(folder, name="<i>learn", dataset="<b>Set", pictures=("<u>one", "two"))
    (folder / "report.html").write_text(page_of(folder), encoding="utf-8")
    return folder


@pytest.fixture
def trained(trained_once: Path, tmp_path: Path) -> Path:
    """That run, in a copy of this test's own."""
    return Path(shutil.copytree(trained_once, tmp_path / "trained"))


def page_of(*runs: Path, **options: Any) -> str:
    from sr_core.reporting.report import render_report
    from sr_core.reporting.run_results import read_run

    return render_report([read_run(run) for run in runs], **options)


@pytest.mark.usefixtures("no_plots")
def test_a_training_can_be_reported_again(srkit: Srkit, trained: Path) -> None:
    (trained / "report.html").unlink()
    done = srkit("report", trained)
    assert done.exit_code == 0, done.output
    assert "espcn" in (trained / "report.html").read_text(encoding="utf-8")


def test_a_run_that_only_trained_has_a_report_that_needs_nothing_else(trained_once: Path) -> None:
    page = (trained_once / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)
    assert not re.search(r"url\((?!#)", page)
    assert 'id="results"' not in page
    for escaped in ("<i>learn", "<b>Set", "<u>one"):
        assert escaped not in page


def test_a_training_is_shown_with_its_facts_curves_and_best_figure(trained_once: Path) -> None:
    page = (trained_once / "report.html").read_text(encoding="utf-8")
    for fact in (
        *("espcn (features [64, 32])", "mse + l1 (weight 0.5)", "adam (lr 0.001)", "24,336", "training pictures"),
        *("16 crops of 51×51 HR pixels", "<dd>1,000</dd>", "<td><b>32.32</b></td><td>750</td><td>32.30</td><td>–</td>"),
    ):
        assert fact in page
    for title in (
        *("validation: psnr (dB), higher is better", "loss", "learning rate", "gradient norm"),
        *("images per second", "time spent waiting for data"),
    ):
        assert f"<figcaption>{title}</figcaption>" in page


@pytest.mark.usefixtures("no_plots")
def test_a_training_that_still_goes_on_can_be_looked_at(trained: Path) -> None:
    metrics = trained / "metrics.csv"
    text = metrics.read_text(encoding="utf-8")
    metrics.write_text(text[: text.index("\n510,")] + "\n510,lo", encoding="utf-8")
    with (trained / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write('{"event": "vali')
    assert "<dd>500 of 1,000</dd>" in page_of(trained)


def test_validation_is_compared_with_what_was_measured_in_the_same_way(trained: Path) -> None:
    bicubic, other = record("bicubic", 30.39, "<b>Set"), record("lanczos", 30.5, "<b>Set")
    write_results(trained, [other, bicubic, record("trained", 32.3, "<b>Set")])
    assert "bicubic 30.39" in page_of(trained)
    elsewhere = bicubic.model_copy(update={"protocol": bicubic.protocol.with_parts(crop=7)})
    write_results(trained, [elsewhere, record("trained", 32.3, "<b>Set")])
    assert "bicubic 30.39" not in page_of(trained)


def test_several_trainings_share_the_plots_of_validation(trained_once: Path, tmp_path: Path) -> None:
    other = write_trained_run(tmp_path / "again", name="<i>learn", dataset="<b>Set", steps=500)
    page = page_of(trained_once, other)
    assert page.count("<figcaption>validation: psnr (dB), higher is better</figcaption>") == 1
    assert "&lt;i&gt;learn: &lt;b&gt;Set ×3" in page
    assert "&lt;i&gt;learn (again): &lt;b&gt;Set ×3" in page
    assert page.count("<figcaption>loss</figcaption>") == 2


@pytest.mark.usefixtures("no_plots")
def test_pictures_over_time_take_a_share_of_the_room_and_what_is_left_out_is_told(trained_once: Path) -> None:
    whole, small = page_of(trained_once), page_of(trained_once, most_bytes=0)
    assert whole.count('class="picture learn"') == small.count('class="picture learn"') == 2
    assert (whole.count('alt="SR, step'), small.count('alt="SR, step')) == (10, 4)
    assert "2 of 5 validations" in small
    assert "of 5 validations" not in whole


def test_a_fitted_network_has_facts_and_no_curves(trained: Path) -> None:
    (trained / "metrics.csv").unlink()
    shutil.rmtree(trained / "learning")
    with pytest.raises(Exception, match=r"no results\.json and no metrics\.csv"):
        page_of(trained)
    (trained / "checkpoints/final").mkdir(parents=True)
    page = page_of(trained)
    assert "24,336" in page
    assert 'class="plot"' not in page


@pytest.mark.parametrize("damage", ["learning/_b_Set/x3/two/learning.json", "training.json", "environment.json"])
def test_a_damaged_file_of_a_training_is_told_of(srkit: Srkit, trained: Path, damage: str) -> None:
    (trained / damage).write_text("{", encoding="utf-8")
    done = srkit("report", trained)
    assert done.exit_code == 2
    assert "cannot be read as a run" in done.output


def test_in_a_browser_nothing_goes_wrong_and_the_slider_and_zoom_work(finished: Path, browser: Any) -> None:
    browser.get((finished / "report.html").as_uri())
    assert browser.get_log("browser") == []
    slider, handle = ".compare[open] .slider", ".compare[open] .position"
    before = browser.execute_script(f"return getComputedStyle(document.querySelector('{slider} img.before')).clipPath")
    browser.execute_script(
        f"const h = document.querySelector('{handle}'); h.value = 20; h.dispatchEvent(new Event('input'))"
    )
    after = browser.execute_script(f"return getComputedStyle(document.querySelector('{slider} img.before')).clipPath")
    assert (before, after) != (before, before)
    assert "80%" in after
    browser.execute_script("document.querySelector('.detail').click()")
    assert browser.execute_script("return document.getElementById('zoom').open")
    assert browser.execute_script("return document.querySelector('#zoom img').src.length") > 100
    assert browser.get_log("browser") == []


def test_in_a_browser_one_watches_the_network_learn_with_mouse_and_keyboard(trained_once: Path, browser: Any) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser.get((trained_once / "report.html").as_uri())
    learn = browser.find_element(By.CSS_SELECTOR, ".learn")
    slider, play = learn.find_element(By.CSS_SELECTOR, ".step"), learn.find_element(By.CSS_SELECTOR, ".play")

    def shown() -> tuple[str, list[str], str]:
        pictures = [p for p in learn.find_elements(By.CSS_SELECTOR, ".over-time img") if p.is_displayed()]
        now = learn.find_element(By.CSS_SELECTOR, ".now").text
        return now, [p.get_attribute("alt") for p in pictures], slider.get_attribute("aria-valuetext")

    last = "step 1,000   psnr 32.30"
    assert shown() == (last, [f"SR, {last}"], last)
    browser.execute_script("arguments[0].focus()", play)
    browser.switch_to.active_element.send_keys(Keys.TAB)
    assert browser.switch_to.active_element == slider
    browser.switch_to.active_element.send_keys(Keys.ARROW_LEFT)
    before = "step 750   psnr 32.32"
    assert shown() == (before, [f"SR, {before}"], before)
    slider.send_keys(Keys.HOME)
    assert shown()[0] == "step 0   psnr 28.00"
    learn.find_element(By.CSS_SELECTOR, ".over-time").click()
    zoomed = browser.execute_script("return document.querySelector('#zoom img').src")
    assert zoomed == learn.find_element(By.CSS_SELECTOR, ".over-time img").get_attribute("src")
    browser.find_element(By.CSS_SELECTOR, "#zoom .close").click()
    play.click()
    assert play.text == "Pause"
    play.click()
    assert play.text == "Play"
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("kind", ["finished", "trained_once"])
def test_text_has_contrast_and_the_page_fits_the_screen(
    kind: str, request: pytest.FixtureRequest, browser: Any, scheme: str, width: int
) -> None:
    report = request.getfixturevalue(kind) / "report.html"
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(report.as_uri())
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    pairs = browser.execute_script(
        """
        const background = (element) => {
          for (; element; element = element.parentElement) {
            const colour = getComputedStyle(element).backgroundColor;
            if (colour !== 'rgba(0, 0, 0, 0)') return colour;
          }
          return 'rgb(255, 255, 255)';
        };
        const shown = [...document.querySelectorAll('main *, header *')].filter((element) =>
          element.checkVisibility() && [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()));
        return shown.map((e) => [getComputedStyle(e).color, background(e), e.tagName + ': ' + e.textContent.trim().slice(0, 40)]);
        """
    )
    assert len(pairs) > 50
    for ink, paper, text in pairs:
        assert contrast(ink, paper) >= 4.5, (ink, paper, text)


def contrast(ink: str, paper: str) -> float:
    """Contrast ratio of WCAG 2.1, from relative luminance."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(ink), luminance(paper)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
