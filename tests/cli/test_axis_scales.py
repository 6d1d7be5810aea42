"""Scales below 1 and of each axis through the whole program: figures, pictures, tables, report, ratings."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import Result
from PIL import Image
from safetensors.torch import save_file

from sr_core import SrkitError, read_picture, upscale
from tests.conftest import Install, textured

Srkit = Callable[..., Result]

STRANGER = """
    import torch
    from torch import nn
    from sr_core import Model, Scale, ScaleRange, Upsampler, hookimpl, resize, sr_size

    @hookimpl
    def srkit_register(registry):
        registry.upsampler("both_ways", "axes_stranger:BothWays", summary="enlarges or shrinks, each axis by itself")
        registry.model("gain", "axes_stranger:Gain", summary="the same times a learned number")

    class BothWays(Upsampler):
        scales = ScaleRange(0.25, 4)

        def __init__(self, method: str = "box") -> None:
            self.method = method

        def __call__(self, image, scale):
            return resize(image, scale, sr_size(image.shape[-2:], scale), self.method)

    class Gain(Model):
        scales = ScaleRange(0.25, 4)
        channels = "y"
        multiple = 4

        def __init__(self, scale: float | tuple[float, float]) -> None:
            super().__init__()
            self.scale = scale
            self.gain = nn.Parameter(torch.ones(1))

        def forward(self, lr, scale):
            assert scale == self.scale
            return self.gain * resize(lr, scale, sr_size(lr.shape[-2:], scale), "box")
"""


@pytest.fixture
def stranger(install: Install, tmp_path: Path) -> None:
    """A method and a network that take scales from 0.25 to 4, with weights in `gain.safetensors`."""
    install("axes-stranger", "axes_stranger", STRANGER)
    save_file({"gain": torch.ones(1)}, tmp_path / "gain.safetensors")


def write_spec(folder: Path, scale: str, evaluate: str) -> Path:
    path = folder / "spec.yaml"
    path.write_text(f"name: axes\nscale: {scale}\nevaluate: {evaluate}\n", encoding="utf-8")
    return path


def paired(folder: Path) -> Path:
    """Two pictures, in `HR`; their LR in `LR_x2x3` and `LR_x0.5`, such that repeating or averaging pixels gives HR."""
    for name in ("HR", "LR_x2x3", "LR_x0.5"):
        (folder / name).mkdir()
    for index, name in enumerate(("one", "two")):
        small = textured((12, 11), 3, index)
        hr = small.repeat(2, axis=0).repeat(3, axis=1)
        Image.fromarray(hr).save(folder / f"HR/{name}.png")
        Image.fromarray(small).save(folder / f"LR_x2x3/{name}.png")
        Image.fromarray(hr.repeat(2, axis=0).repeat(2, axis=1)).save(folder / f"LR_x0.5/{name}.png")
    return folder


BOTH = "{on: {name: Mine, hr: HR, lr: 'LR_x{scale}'}, candidates: ['both_ways'], save_sr: true}"


@pytest.mark.usefixtures("stranger")
def test_a_run_measures_each_axis_and_below_1_and_everything_it_leaves_names_the_scale(
    srkit: Srkit, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = srkit("run", write_spec(paired(tmp_path), "['2x3', 0.5]", BOTH), "--output", out)
    assert done.exit_code == 0, done.output
    assert "Mine ×2x3" in done.output
    assert "Mine ×0.5" in done.output
    records = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert [(r["scale"], r["metric"]) for r in records] == [
        *(([2.0, 3.0], "psnr"), ([2.0, 3.0], "ssim")),
        *((0.5, "psnr"), (0.5, "ssim")),
    ]
    assert all(float(r["mean"]) == (math.inf if r["metric"] == "psnr" else pytest.approx(1)) for r in records)
    with (out / "results.csv").open(encoding="utf-8") as file:
        assert {row["scale"] for row in csv.DictReader(file)} == {"2x3", "0.5"}
    assert "| Mine ×2x3 | both_ways |" in (out / "results.md").read_text(encoding="utf-8")
    assert [cost["scale"] for cost in json.loads((out / "costs.json").read_text(encoding="utf-8"))] == [[2.0, 3.0], 0.5]
    page = (out / "report.html").read_text(encoding="utf-8")
    for words in ("Mine ×2x3<br>", "Mine ×0.5<br>", "<td>×2x3</td>", "Mine ×2x3 one", "Mine ×0.5 psnr", "∞ dB"):
        assert words in page
    for scale in ("x2x3", "x0.5"):
        assert (out / f"images/Mine/{scale}/one.png").is_file()
        assert (out / f"previews/Mine/{scale}/two/panels.json").is_file()
        assert read_picture(out / f"images/Mine/{scale}/both_ways/one.png").size == (24, 33)


@pytest.mark.usefixtures("stranger", "no_plots")
def test_a_run_can_be_repeated_from_what_it_left_and_its_pictures_compared_again(srkit: Srkit, tmp_path: Path) -> None:
    """The figures of finished pictures are those of the method that made them."""
    paired(tmp_path)
    own = "{on: {name: Mine, hr: HR}, candidates: [{name: both_ways, method: bicubic}], save_sr: true}"
    assert srkit("run", write_spec(tmp_path, "['2x3', 0.5]", own), "--output", tmp_path / "out").exit_code == 0
    again = srkit("run", tmp_path / "out/spec.yaml", "--output", tmp_path / "again")
    assert again.exit_code == 0, again.output
    theirs = "{on: {name: Mine, hr: HR}, candidates: [{name: both_ways, pictures: 'out/images/{dataset}/x{scale}/both_ways'}]}"
    finished = srkit("run", write_spec(tmp_path, "['2x3', 0.5]", theirs), "--output", tmp_path / "finished")
    assert finished.exit_code == 0, finished.output
    figures = []
    for run in ("out", "again", "finished"):
        records = json.loads((tmp_path / run / "results.json").read_text(encoding="utf-8"))
        figures.append({(str(r["scale"]), r["metric"], name): v for r in records for name, v in r["per_image"].items()})
    assert figures[0] == figures[1] == pytest.approx(figures[2], abs=0.1)  # a half of 1/255 may be rounded either way


@pytest.mark.usefixtures("stranger", "no_plots")
@pytest.mark.parametrize(
    ("scale", "protocol"),
    [("2x3", "classic"), ("0.5", "modern"), ("0.7x1.5", "classic"), ("0.7x1.5", "rgb"), ("1", "rgb")],
)
def test_a_network_is_told_its_scale_and_measured_at_any(
    scale: str, protocol: str, srkit: Srkit, photographs: Path, tmp_path: Path
) -> None:
    """With a gain of 1 the network is the upsampler on Y."""
    candidates = "[both_ways, {model: gain, weights: gain.safetensors}]"
    evaluate = f"{{on: {{name: Mine, hr: {photographs}}}, candidates: {candidates}, protocol: {protocol}}}"
    done = srkit("run", write_spec(tmp_path, scale, evaluate), "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    records = json.loads((tmp_path / "out/results.json").read_text(encoding="utf-8"))
    values = {(r["candidate"], r["metric"]): {k: float(v) for k, v in r["per_image"].items()} for r in records}
    assert values["gain", "psnr"]["gray"] == pytest.approx(values["both_ways", "psnr"]["gray"], abs=1e-3)
    assert all(value > 15 for value in values["gain", "psnr"].values())


@pytest.mark.parametrize(("scale", "shown"), [("0.5", "0.5"), ("2x0.5", "2x0.5")])
def test_a_method_that_only_enlarges_is_refused_by_name(
    scale: str, shown: str, srkit: Srkit, photographs: Path, tmp_path: Path
) -> None:
    done = srkit("check", write_spec(tmp_path, scale, f"{{on: '{photographs}', candidates: [lanczos3]}}"))
    assert done.exit_code == 2
    assert f"'lanczos3' takes scale 1 or more, not {shown}" in done.output


@pytest.mark.usefixtures("stranger")
def test_a_component_of_one_scale_is_told_all_scales_of_the_run(
    srkit: Srkit, photographs: Path, tmp_path: Path
) -> None:
    evaluate = f"{{on: '{photographs}', candidates: [{{model: gain, weights: gain.safetensors}}]}}"
    done = srkit("check", write_spec(tmp_path, "[2, '2x3']", evaluate))
    assert "takes one scale, and this run has 2 and 2x3" in done.output


@pytest.mark.usefixtures("stranger", "no_plots")
def test_people_rate_pictures_of_any_scale(srkit: Srkit, tmp_path: Path) -> None:
    srkit("run", write_spec(paired(tmp_path), "['2x3', 0.5]", BOTH), "--output", tmp_path / "out")
    made = srkit("mos", tmp_path / "out", "--output", tmp_path / "rate.html")
    assert made.exit_code == 0, made.output
    ratings = [
        {"dataset": "Mine", "scale": scale, "picture": "one", "candidate": "both_ways", "score": score}
        for scale, score in (([2.0, 3.0], 2), (0.5, 5))
    ]
    sheet = tmp_path / "ann.json"
    sheet.write_text(json.dumps({"run": "axes", "rater": "Ann", "ratings": ratings}), encoding="utf-8")
    done = srkit("mos", "--collect", sheet)
    assert done.exit_code == 0, done.output
    assert done.output.index("Mine ×0.5") < done.output.index("Mine ×2x3")


def test_upscale_takes_a_scale_for_each_axis_and_names_files_by_it(
    srkit: Srkit, photographs: Path, tmp_path: Path
) -> None:
    done = srkit("upscale", photographs / "alpha.png", "-o", f"{tmp_path}/large/", "--scale", "2x3")
    assert done.exit_code == 0, done.output
    assert read_picture(tmp_path / "large/alpha_x2x3.png").size == (96, 180)
    spec = tmp_path / "spec.yaml"
    spec.write_text("name: a\nscale: 1.5x2\nupscale: {inputs: photographs, with: nearest}\n", encoding="utf-8")
    assert srkit("run", spec, "--output", tmp_path / "out").exit_code == 0
    assert read_picture(tmp_path / "out/upscaled/alpha_x1.5x2.png").size == (72, 120)


@pytest.mark.parametrize(
    ("scale", "complaint"),
    [
        ("2x0.5", "pictures are enlarged by 1 or more, not 2x0.5"),
        ("2x", "expected a scale, as 2, 0.5 or 2x3 (vertical x horizontal), found '2x'"),
        ("two", "found 'two'"),
        ("nan", "found 'nan'"),
        ("0", "a scale is a number from 1/64 to 64, found 0"),
        ("65", "found 65"),
    ],
)
def test_upscale_refuses_what_is_no_scale_to_enlarge_by(
    scale: str, complaint: str, srkit: Srkit, photographs: Path, tmp_path: Path
) -> None:
    done = srkit("upscale", photographs / "alpha.png", "-o", tmp_path / "large.png", "--scale", scale)
    assert done.exit_code == 2
    assert complaint in " ".join(done.output.split())


def test_from_python_a_refused_axis_is_named() -> None:
    with pytest.raises(SrkitError, match="takes scale 1 or more, not 2x0.5"):
        upscale(textured((8, 8), 3, 0), (2, 0.5))


def warnings_of(run: Path) -> list[str]:
    events = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [event["message"] for event in events if event["event"] == "warning"]


@pytest.mark.usefixtures("no_plots")
def test_opacity_is_left_out_of_figures_and_the_run_says_so_once_for_a_data_set(srkit: Srkit, tmp_path: Path) -> None:
    """A picture that is opaque everywhere loses nothing, so nothing is said of it."""
    for folder, alphas in (("clear", (255, 40, 40)), ("opaque", (255, 255, 255))):
        (tmp_path / folder).mkdir()
        for index, alpha in enumerate(alphas):
            planes = np.dstack([textured((32, 32), 3, index), np.full((32, 32), alpha, np.uint8)])
            Image.fromarray(planes).save(tmp_path / folder / f"p{index}.png")
    spec = write_spec(tmp_path, "[2, 3]", "{on: [clear, opaque], candidates: [nearest]}")
    assert srkit("run", spec, "--output", tmp_path / "out").exit_code == 0
    assert warnings_of(tmp_path / "out") == [
        f"{tmp_path}/clear/p1.png: its opacity is not measured, its colours are; likewise in other pictures of 'clear'"
    ]
    assert "its opacity is not measured" in (tmp_path / "out/report.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("no_plots")
def test_values_outside_the_range_are_clipped_to_be_measured_and_the_run_says_so_once(
    srkit: Srkit, tmp_path: Path
) -> None:
    """A floating-point picture within the range is rounded only, like one of 16 bits, and nothing is said."""
    for folder, gain in (("bright", 1.5), ("plain", 1.0)):
        (tmp_path / folder).mkdir()
        for index in range(2):
            samples = textured((32, 32), 1, index).astype(np.float32)
            samples = (samples - samples.min()) / (samples.max() - samples.min()) * gain
            np.save(tmp_path / folder / f"p{index}.npy", samples)
    Image.fromarray(textured((32, 32), 1, 5).astype(np.uint16) * 257).save(tmp_path / "plain/deep.png")
    spec = write_spec(tmp_path, "[2, 3]", "{on: [bright, plain], candidates: [nearest]}")
    done = srkit("run", spec, "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert warnings_of(tmp_path / "out") == [
        f"{tmp_path}/bright/p0.npy: its values, 0 to 1.5, are clipped to 0 … 1 and rounded to 8 bits to be measured; "
        "likewise in other pictures of 'bright'"
    ]
