"""`srkit run` and `srkit check`: from a spec file to figures and pictures."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import Result
from PIL import Image
from safetensors.torch import save_file

from sr_core import read_picture
from tests.conftest import Install, textured

Srkit = Callable[..., Result]

pytestmark = pytest.mark.usefixtures("no_plots")


@pytest.fixture
def spec(photographs: Path, tmp_path: Path) -> Callable[..., Path]:
    """A spec that compares two interpolators; keyword arguments replace lines."""

    def write(evaluate: str = "", **top: str) -> Path:
        lines = {"name": "first", "scale": "2", **top}
        body = evaluate or f"{{on: {{name: Mine, hr: {photographs}}}, candidates: [nearest, bicubic]}}"
        text = "\n".join(f"{key}: {value}" for key, value in lines.items())
        path = tmp_path / "spec.yaml"
        path.write_text(f"{text}\nevaluate: {body}\n", encoding="utf-8")
        return path

    return write


SpecWriter = Callable[..., Path]


def test_a_run_directory_holds_everything(srkit: Srkit, spec: SpecWriter, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = srkit("run", spec(), "--output", out)
    assert done.exit_code == 0, done.output
    assert "bicubic" in done.output
    assert str(out) in done.output
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert {name for name in names if not name.startswith("previews/")} == {
        *("spec.yaml", "environment.json", "log.jsonl", "results.json", "results.csv", "results.md"),
        *("costs.json", "report.html"),
        *(f"images/Mine/x2/{name}.png" for name in ("alpha", "beta", "gray")),
    }
    assert {f"previews/Mine/x2/{name}/panels.json" for name in ("alpha", "beta", "gray")} <= names
    environment = json.loads((out / "environment.json").read_text(encoding="utf-8"))
    assert environment["torch"] == torch.__version__
    assert environment["plugins"]["srkit-interp"] == "0.1.0"
    events = [json.loads(line)["event"] for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert events == ["started", *["record"] * 4, "finished"]


def test_results_are_records_with_protocol_and_values_for_each_picture(
    srkit: Srkit, spec: SpecWriter, tmp_path: Path
) -> None:
    srkit("run", spec(scale="[2, 2.5]"), "--output", tmp_path / "out")
    records = json.loads((tmp_path / "out/results.json").read_text(encoding="utf-8"))
    assert len(records) == 2 * 2 * 2
    record = next(r for r in records if (r["candidate"], r["metric"], r["scale"]) == ("bicubic", "psnr", 2.5))
    assert set(record) >= {
        *("dataset", "scale", "candidate", "metric", "protocol", "mean", "per_image"),
        *("seconds_per_image", "device", "precision"),
    }
    assert record["protocol"] == {"name": "modern", "luma": "y", "crop": "scale", "clip": "full", "lr": "dataset"}
    assert set(record["per_image"]) == {"alpha", "beta", "gray"}
    assert record["mean"] == pytest.approx(np.mean(list(record["per_image"].values())))
    assert record["seconds_per_image"] > 0
    rows = list(csv.DictReader((tmp_path / "out/results.csv").read_text(encoding="utf-8").splitlines()))
    row = next(
        r for r in rows if (r["candidate"], r["metric"], r["scale"], r["picture"]) == ("bicubic", "psnr", "2.5", "beta")
    )
    assert float(row["value"]) == record["per_image"]["beta"]
    assert (row["protocol"], row["luma"], row["crop"]) == ("modern", "y", "scale")
    table = (tmp_path / "out/results.md").read_text(encoding="utf-8")
    assert "| Mine ×2.5 | bicubic |" in table
    assert "Protocol modern: luma y, crop scale, clip full, lr dataset" in table


def test_the_resolved_spec_runs_again_from_anywhere_and_gives_the_same_figures(
    srkit: Srkit, spec: SpecWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = spec(
        evaluate="{on: {name: Mine, hr: photographs}, candidates: [bicubic], protocol: {base: classic, crop: 4}}"
    )
    srkit("run", source, "--output", tmp_path / "first")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    done = srkit("run", tmp_path / "first/spec.yaml", "--output", tmp_path / "second")
    assert done.exit_code == 0, done.output
    first, second = (json.loads((tmp_path / name / "results.json").read_text("utf-8")) for name in ("first", "second"))
    assert [record["per_image"] for record in first] == [record["per_image"] for record in second]


def test_the_default_run_directory_is_named_after_the_spec(
    srkit: Srkit, spec: SpecWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert srkit("run", spec(name="my run")).exit_code == 0
    (directory,) = (tmp_path / "runs/my run").iterdir()
    assert (directory / "results.json").exists()


def test_every_picture_gets_a_sheet_with_all_candidates(srkit: Srkit, spec: SpecWriter, tmp_path: Path) -> None:
    srkit("run", spec(), "--output", tmp_path / "out")
    with Image.open(tmp_path / "out/images/Mine/x2/alpha.png") as sheet:
        assert sheet.width > 4 * 256  # LR, two candidates, HR
        assert len(sheet.getcolors(2**24) or ()) > 100


def test_save_sr_keeps_pictures_that_score_the_same_when_read_back(
    srkit: Srkit, spec: SpecWriter, photographs: Path, tmp_path: Path
) -> None:
    srkit("run", spec(), "--output", tmp_path / "out", "--set", "evaluate.save_sr=true")
    pictures = "out/images/{dataset}/x{scale}/bicubic"
    finished = (
        f"{{on: {{name: Mine, hr: {photographs}}}, candidates: [bicubic, {{name: theirs, pictures: '{pictures}'}}]}}"
    )
    done = srkit("run", spec(evaluate=finished), "--output", tmp_path / "again")
    assert done.exit_code == 0, done.output
    records = json.loads((tmp_path / "again/results.json").read_text(encoding="utf-8"))
    values = {(r["candidate"], r["metric"]): r["per_image"] for r in records}
    for metric in ("psnr", "ssim"):
        assert values["theirs", metric] == pytest.approx(values["bicubic", metric], abs=1e-9)
    assert [r["seconds_per_image"] for r in records if r["candidate"] == "theirs"] == [None, None]


def test_a_data_sets_own_lr_is_used_paired_by_name(
    srkit: Srkit, spec: SpecWriter, photographs: Path, tmp_path: Path
) -> None:
    lr = tmp_path / "lr_x2"
    lr.mkdir()
    for source in photographs.iterdir():
        with Image.open(source) as picture:
            black = Image.new(picture.mode, (picture.width // 2, picture.height // 2))
            black.save(lr / f"{source.stem}_x2.png")
    own = f"{{on: {{name: Mine, hr: {photographs}, lr: 'lr_x{{scale}}'}}, candidates: [nearest]}}"
    srkit("run", spec(evaluate=own), "--output", tmp_path / "out")
    records = json.loads((tmp_path / "out/results.json").read_text(encoding="utf-8"))
    assert records[0]["mean"] < 10  # black pictures: far from the truth
    noted = srkit("check", spec(evaluate=own), "--set", "evaluate.protocol=classic")
    assert "the LR of Mine is ignored" in noted.output


@pytest.mark.parametrize("scale", ["1.25", "1.7", "2.3", "3.7"])
def test_any_fractional_scale_can_be_measured(scale: str, srkit: Srkit, spec: SpecWriter, tmp_path: Path) -> None:
    done = srkit("run", spec(scale=scale), "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output


def test_an_lr_of_another_scale_is_refused(srkit: Srkit, spec: SpecWriter, photographs: Path, tmp_path: Path) -> None:
    lr = tmp_path / "lr"
    lr.mkdir()
    for source in photographs.iterdir():
        with Image.open(source) as picture:
            picture.resize((picture.width // 3, picture.height // 3)).save(lr / source.name)
    done = srkit(
        "run", spec(evaluate="{on: {hr: photographs, lr: lr}, candidates: [nearest]}"), "--output", tmp_path / "out"
    )
    assert done.exit_code == 2
    assert "at scale 2 does not fit HR of" in done.output


def test_a_record_says_where_its_lr_came_from(srkit: Srkit, spec: SpecWriter, tmp_path: Path) -> None:
    for number, (degradation, protocol, expected) in enumerate(
        (
            ("bicubic", "modern", "bicubic"),
            ("{name: bicubic, rounding: once}", "modern", "bicubic(rounding=once)"),
            ("bicubic", "classic", "unrounded bicubic"),
        )
    ):
        source = spec(degradation=degradation)
        srkit("run", source, "--set", f"evaluate.protocol={protocol}", "--output", tmp_path / f"out{number}")
        records = json.loads((tmp_path / f"out{number}/results.json").read_text(encoding="utf-8"))
        assert {record["low_resolution"] for record in records} == {expected}


def test_a_typo_in_set_is_blamed_on_set(srkit: Srkit, spec: SpecWriter) -> None:
    done = srkit("check", spec(), "--set", "evalute.metrics=[psnr]")
    assert "--set evalute.metrics: evalute: unknown key 'evalute'; did you mean 'evaluate'?" in done.output


def test_a_precision_that_the_device_has_not_is_found_before_any_work(srkit: Srkit, spec: SpecWriter) -> None:
    done = srkit("check", spec(precision="float16"), "--device", "cpu")
    assert done.exit_code == 2
    assert "precision float16 is for GPUs" in done.output


def test_dry_run_says_what_would_be_done_and_writes_nothing(srkit: Srkit, spec: SpecWriter, tmp_path: Path) -> None:
    done = srkit("run", spec(), "--output", tmp_path / "out", "--dry-run")
    assert done.exit_code == 0
    assert "compare nearest, bicubic on 3 pictures at ×2 by psnr, ssim, protocol modern; on cpu" in done.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("evaluate", "complaint"),
    [
        ("{on: nowhere, candidates: [bicubic]}", "nowhere"),
        ("{on: empty, candidates: [bicubic]}", "empty"),
        ("{on: 'samples:tests', candidates: [bicubic]}", "samples:test"),
        ("{on: {hr: photographs, lr: nowhere}, candidates: [bicubic]}", "nowhere"),
        ("{on: {hr: photographs, lr: other}, candidates: [bicubic]}", "alpha"),
        ("{on: photographs, candidates: [{name: theirs, pictures: other}]}", "alpha"),
        ("{on: photographs, candidates: [{name: spline, order: 9}]}", "order: input should be less than or equal to 5"),
        ("{on: photographs, candidates: [{name: spline, ordre: 3}]}", "unknown key 'ordre'; did you mean 'order'?"),
        (
            "{on: photographs, candidates: [bicubic], metrics: [{name: psnr, x: 1}]}",
            "unknown key 'x'; nothing can be set",
        ),
    ],
)
def test_a_spec_that_cannot_run_leaves_nothing_behind(
    evaluate: str, complaint: str, srkit: Srkit, spec: SpecWriter, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    Image.fromarray(textured((20, 20), 3, 0)).save(tmp_path / "other/zeta.png")
    source = spec(evaluate=evaluate)
    done = srkit("run", source, "--output", tmp_path / "out")
    assert done.exit_code == 2
    assert f"{source}:3:" in done.output
    assert complaint in done.output
    assert "Traceback" not in done.output
    assert not (tmp_path / "out").exists()


def test_faults_in_data_sets_and_inputs_are_reported_together(srkit: Srkit, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(
        "name: a\nscale: 2\nevaluate: {on: [nowhere, nothing], candidates: [bicubic]}\n"
        "upscale: {inputs: [missing.png], with: bicubic}\n",
        encoding="utf-8",
    )
    output = srkit("check", path).output
    assert all(word in output for word in ("nowhere", "nothing", "missing.png"))


def test_check_of_a_good_spec_says_so(srkit: Srkit, spec: SpecWriter) -> None:
    done = srkit("check", spec())
    assert done.exit_code == 0
    assert "is good: compare nearest, bicubic" in done.output


def test_an_output_folder_that_is_not_empty_is_refused(srkit: Srkit, spec: SpecWriter, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/precious.txt").write_text("mine", encoding="utf-8")
    done = srkit("run", spec(), "--output", tmp_path / "out")
    assert done.exit_code == 2
    assert "is not empty" in done.output
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["precious.txt"]


def test_a_device_that_is_not_there_is_a_fault(srkit: Srkit, spec: SpecWriter) -> None:
    done = srkit("check", spec(), "--device", "cuda:99")
    assert done.exit_code == 2
    assert "--set device: device: device 'cuda:99': PyTorch finds" in done.output


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "xpu", "meta", "cuda:99999999999999999999"])
def test_a_device_of_no_known_name_is_a_fault(device: str, srkit: Srkit, spec: SpecWriter) -> None:
    done = srkit("check", spec(), "--device", device)
    assert done.exit_code == 2
    assert f"unknown device '{device}'; known: auto, cpu, mps, cuda" in done.output


def test_a_malformed_set_is_told_the_form(srkit: Srkit, spec: SpecWriter) -> None:
    done = srkit("check", spec(), "--set", "seed")
    assert done.exit_code == 2
    assert "write KEY=VALUE" in done.output


def test_a_corrupt_picture_stops_the_run_and_is_named(
    srkit: Srkit, spec: SpecWriter, photographs: Path, tmp_path: Path
) -> None:
    (photographs / "beta.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    done = srkit("run", spec(), "--output", tmp_path / "out")
    assert done.exit_code == 2
    assert "beta.png" in done.output
    last = (tmp_path / "out/log.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    assert json.loads(last)["event"] == "failed"


def test_a_candidate_that_fails_is_named_with_its_publisher(
    install: Install, srkit: Srkit, spec: SpecWriter, photographs: Path, tmp_path: Path
) -> None:
    code = """
        from sr_core import Upsampler, hookimpl

        @hookimpl
        def srkit_register(registry):
            registry.upsampler("fragile", "fragile_stranger:Fragile", summary="breaks")

        class Fragile(Upsampler):
            def __call__(self, image, scale):
                raise RuntimeError("out of luck")
    """
    install("fragile-stranger", "fragile_stranger", code)
    source = spec(evaluate=f"{{on: {photographs}, candidates: [fragile]}}")
    done = srkit("run", source, "--output", tmp_path / "out")
    assert done.exit_code == 2
    assert "upsampler 'fragile' of fragile-stranger 1.0 failed on alpha.png: RuntimeError: out of luck" in done.output


MODEL_PLUGIN = """
    import torch
    from torch import nn
    from sr_core import Model, hookimpl, resize, sr_size

    events = []

    @hookimpl
    def srkit_register(registry):
        registry.model("tiny", "tiny_models:Tiny", summary="bicubic and a learned correction", year=2026)

    @hookimpl
    def srkit_run_event(event, run_directory, details):
        events.append(event)
        if event == "record":
            raise RuntimeError("the tracker is down")

    class Tiny(Model):
        scales = frozenset({2})
        multiple = 4

        def __init__(self, width: int = 1) -> None:
            super().__init__()
            self.body = nn.Conv2d(1, width, 3, padding=1)

        def forward(self, lr, scale):
            assert lr.shape[-1] % 4 == lr.shape[-2] % 4 == 0
            enlarged = resize(lr, scale, sr_size(lr.shape[-2:], scale))
            return enlarged + self.body(enlarged).mean(dim=1, keepdim=True)
"""


@pytest.mark.parametrize("protocol", ["classic", "modern", "rgb"])
def test_a_model_with_a_weights_file_is_a_candidate_like_any_other(
    protocol: str, install: Install, srkit: Srkit, spec: SpecWriter, photographs: Path, tmp_path: Path
) -> None:
    """With a correction of zero it is bicubic on Y, and chroma is bicubic's too."""
    install("tiny-models", "tiny_models", MODEL_PLUGIN)
    save_file({"body.weight": torch.zeros(1, 1, 3, 3), "body.bias": torch.zeros(1)}, tmp_path / "zero.safetensors")
    candidates = "[bicubic, {model: tiny, weights: zero.safetensors}]"
    body = f"{{on: {{name: Mine, hr: {photographs}}}, candidates: {candidates}, protocol: {protocol}}}"
    done = srkit("run", spec(evaluate=body), "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    records = json.loads((tmp_path / "out/results.json").read_text(encoding="utf-8"))
    values = {(r["candidate"], r["metric"]): r["per_image"] for r in records}
    assert values["tiny", "psnr"] == pytest.approx(values["bicubic", "psnr"], abs=0.05)


def test_a_listening_plugin_that_fails_is_told_of_once_and_the_run_goes_on(
    install: Install, srkit: Srkit, spec: SpecWriter, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install("tiny-models", "tiny_models", MODEL_PLUGIN)
    assert srkit("run", spec(), "--output", tmp_path / "out").exit_code == 0
    assert [r.getMessage() for r in caplog.records if "tracker is down" in r.getMessage()] == [
        "tiny-models 1.0: srkit_run_event failed and is not called again: RuntimeError: the tracker is down"
    ]


@pytest.mark.parametrize(
    ("weights", "complaint"),
    [
        ({"body.weight": torch.zeros(1, 1, 3, 3)}, "'body.bias' is missing"),
        ({"body.weight": torch.zeros(2, 1, 3, 3), "body.bias": torch.zeros(1)}, "the network needs (1, 1, 3, 3)"),
        ({"head": torch.zeros(1)}, "'head' is not part of the network"),
        (None, "is damaged"),
    ],
)
def test_weights_of_another_network_are_refused_with_the_differing_names(
    weights: dict[str, torch.Tensor] | None,
    complaint: str,
    install: Install,
    srkit: Srkit,
    spec: SpecWriter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install("tiny-models", "tiny_models", MODEL_PLUGIN)
    monkeypatch.setenv("SRKIT_DISABLE_PLUGINS", "srkit-cnn")  # whose networks would all be compared
    path = tmp_path / "other.safetensors"
    if weights is None:
        path.write_bytes(b"\x80\x04pickle")
    else:
        save_file(weights, path)
    done = srkit("check", spec(evaluate="{on: photographs, candidates: [{model: tiny, weights: other.safetensors}]}"))
    assert done.exit_code == 2
    assert complaint in done.output


@pytest.mark.parametrize(
    ("candidate", "complaint"),
    [
        ("tiny", "'tiny' is a model; write {model: tiny, weights: FILE}"),
        ("{model: tiny}", "model 'tiny' needs 'weights', a weights file"),
        ("{model: tiny, weights: nowhere.safetensors}", "no such file"),
    ],
)
def test_a_model_without_weights_is_told_what_it_needs(
    candidate: str, complaint: str, install: Install, srkit: Srkit, spec: SpecWriter
) -> None:
    install("tiny-models", "tiny_models", MODEL_PLUGIN)
    done = srkit("check", spec(evaluate=f"{{on: photographs, candidates: [{candidate}]}}"))
    assert done.exit_code == 2
    assert complaint in done.output


def test_a_scale_that_a_method_does_not_take_is_a_fault(
    install: Install, srkit: Srkit, spec: SpecWriter, tmp_path: Path
) -> None:
    install("tiny-models", "tiny_models", MODEL_PLUGIN)
    save_file({"body.weight": torch.zeros(1, 1, 3, 3), "body.bias": torch.zeros(1)}, tmp_path / "zero.safetensors")
    body = "{on: photographs, candidates: [{model: tiny, weights: zero.safetensors}]}"
    done = srkit("check", spec(evaluate=body, scale="3"))
    assert "'tiny' takes scale 2, not 3" in done.output


def test_the_upscale_stage_enlarges_pictures_into_the_run_directory(
    srkit: Srkit, photographs: Path, tmp_path: Path
) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("name: a\nscale: 2.5\nupscale: {inputs: photographs, with: lanczos3}\n", encoding="utf-8")
    done = srkit("run", path, "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert sorted(p.name for p in (tmp_path / "out/upscaled").iterdir()) == [
        "alpha_x2.5.png",
        "beta_x2.5.png",
        "gray_x2.5.png",
    ]
    assert read_picture(tmp_path / "out/upscaled/alpha_x2.5.png").size == (120, 150)


SLOW = """
    import time
    from sr_core import Upsampler, hookimpl, resize, sr_size

    @hookimpl
    def srkit_register(registry):
        registry.upsampler("slow", "slow_stranger:Slow", summary="takes its time")

    class Slow(Upsampler):
        needs_gradient = True

        def __call__(self, image, scale):
            time.sleep(0.3)
            return resize(image, scale, sr_size(image.shape[-2:], scale))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a POSIX signal")
def test_ctrl_c_leaves_no_half_written_file(
    install: Install, spec: SpecWriter, photographs: Path, tmp_path: Path
) -> None:
    site = install("slow-stranger", "slow_stranger", SLOW)
    for index in range(40):
        Image.fromarray(textured((32, 32), 3, index)).save(photographs / f"more{index}.png")
    out = tmp_path / "out"
    source = spec(evaluate=f"{{on: {photographs}, candidates: [slow]}}")
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "sr_core", "run", str(source), "--output", str(out)]
    process = subprocess.Popen(
        command,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    while process.poll() is None and len(list(out.rglob("images/**/*.png"))) < 3:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "stopped; what was finished is kept" in said
    assert "Traceback" not in said
    assert not (out / "results.json").exists()
    finished = list(out.rglob("*.png"))
    assert finished
    for path in finished:
        assert not path.name.startswith(".")
        with Image.open(path) as picture:
            picture.load()
