"""`srkit run` with `train` on a CUDA device."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import Result
from PIL import Image
from ruamel.yaml import YAML

from sr_core.checkpoint import read_weights
from tests.cli.test_interrupted_training import Program
from tests.conftest import textured

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
    pytest.mark.usefixtures("no_plots"),
]

Srkit = Callable[..., Result]
Write = Callable[..., Path]


@pytest.fixture
def spec(tmp_path: Path) -> Write:
    """Write the spec of a small training in float32 that tells of each step."""
    for folder, seeds in (("train", (1, 2, 3)), ("test", (7, 8))):
        (tmp_path / folder).mkdir()
        for seed in seeds:
            picture = Image.fromarray(textured((160, 168), 3, seed))
            picture.save(tmp_path / folder / f"{seed}.png")
    (tmp_path / "test-lr").mkdir()
    for path in (tmp_path / "test").iterdir():
        with Image.open(path) as picture:
            picture.reduce(2).save(tmp_path / "test-lr" / path.name)

    def write(train: dict[str, Any], **top: Any) -> Path:
        shared = {
            "model": {"name": "espcn", "features": [16, 8]},
            "data": {"hr": "train", "crop": 32, "batch": 8},
            "loss": "mse",
            "optimizer": {"name": "adam", "lr": 1e-3},
            "steps": 40,
            "log": 1,
            "checkpoint": {"every": 10},
        }
        whole = {"name": "small", "scale": 2, "precision": "float32", "train": {**shared, **train}, **top}
        path = tmp_path / "spec.yaml"
        with path.open("w", encoding="utf-8") as file:
            YAML().dump(whole, file)
        return path

    return write


def carried_out(srkit: Srkit, path: Path, output: Path, *options: str) -> Path:
    done = srkit("run", path, "--device", "cuda", "--output", output, *options)
    assert done.exit_code == 0, done.output + done.stderr
    return output


def curve(run: Path, name: str) -> list[float]:
    with (run / "metrics.csv").open(encoding="utf-8") as file:
        return [float(row["value"]) for row in csv.DictReader(file) if row["curve"] == name]


def final(run: Path) -> Path:
    return run / "checkpoints/final/weights.safetensors"


def test_a_network_learns_alike_in_every_precision(spec: Write, srkit: Srkit, tmp_path: Path) -> None:
    losses = {}
    for precision in ("float32", "bfloat16", "float16"):
        run = carried_out(srkit, spec({}, precision=precision), tmp_path / precision)
        facts = json.loads((run / "training.json").read_text(encoding="utf-8"))
        assert facts["precision"] == precision
        assert facts["kept"].startswith("on cuda")
        assert all(tensor.dtype == torch.float32 for tensor in read_weights(final(run)).tensors.values())
        losses[precision] = curve(run, "loss")
    assert losses["float32"][-1] < 0.7 * losses["float32"][0]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.05)
    # Steps that overflow while float16 finds its scale are skipped.
    assert losses["float16"][-1] == pytest.approx(losses["float32"][-1], rel=0.3)


def test_resumed_it_ends_with_the_very_bits(spec: Write, srkit: Srkit, tmp_path: Path) -> None:
    path = spec({"ema": 0.9, "schedule": "cosine"}, deterministic=True)
    whole = final(carried_out(srkit, path, tmp_path / "whole")).read_bytes()
    cut = carried_out(srkit, path, tmp_path / "cut")
    assert final(cut).read_bytes() == whole, "equal runs are equal"
    final(cut).unlink()
    for step in (40, 30):
        newest = cut / f"checkpoints/step-{step:08d}/state.safetensors"
        newest.write_bytes(newest.read_bytes()[:-100])
    carried_out(srkit, path, cut, "--resume")
    assert final(cut).read_bytes() == whole
    assert curve(cut, "loss") == curve(tmp_path / "whole", "loss")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the compiler has many of its own
@pytest.mark.parametrize("accumulate", [1, 2])
def test_compiled_it_learns_the_same(spec: Write, srkit: Srkit, tmp_path: Path, accumulate: int) -> None:
    """A network this small is replayed as a CUDA graph."""
    pytest.importorskip("triton")
    train = {"accumulate": accumulate, "steps": 12, "optimizer": {"name": "sgd", "lr": 0.02}}
    plain = carried_out(srkit, spec(train), tmp_path / "plain")
    compiled = carried_out(srkit, spec({**train, "compile": True}), tmp_path / "compiled")
    for name in ("loss", "gradient norm"):
        assert curve(compiled, name) == pytest.approx(curve(plain, name), rel=0.02)


@pytest.mark.parametrize("lr", [None, "test-lr"], ids=["LR made there", "LR given"])
def test_figures_are_those_of_the_host(spec: Write, srkit: Srkit, tmp_path: Path, lr: str | None) -> None:
    weights = final(carried_out(srkit, spec({}), tmp_path / "run"))
    dataset = {"name": "test", "hr": "test", **({} if lr is None else {"lr": lr})}
    evaluate = {"on": dataset, "candidates": ["bicubic", {"weights": str(weights)}], "metrics": ["psnr"]}
    path = tmp_path / "evaluate.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML().dump({"name": "evaluate", "scale": 2, "evaluate": evaluate}, file)
    figures = {}
    for device in ("cuda", "cpu"):
        done = srkit("run", path, "--device", device, "--output", tmp_path / device)
        assert done.exit_code == 0, done.output
        records = json.loads((tmp_path / device / "results.json").read_text(encoding="utf-8"))
        figures[device] = {(r["candidate"], name): v for r in records for name, v in r["per_image"].items()}
    assert len(figures["cpu"]) == 4
    assert figures["cuda"] == pytest.approx(figures["cpu"], abs=1e-3)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_too_little_memory_says_what_fits_and_that_fits(
    spec: Write, srkit: Srkit, tmp_path: Path, accumulate: int
) -> None:
    """The first layer's 64 maps alone are 1 GiB."""
    train = {
        "model": "espcn",
        "data": {"hr": "train", "crop": 64, "batch": 4096},
        "steps": 2,
    }
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(2**31 / torch.cuda.get_device_properties(0).total_memory)
    tried = spec({**train, "accumulate": accumulate})
    done = srkit("run", tried, "--device", "cuda", "--output", tmp_path / "tried")
    said = done.output + done.stderr
    assert done.exit_code == 2, said
    assert "has not enough memory for 4096 crops of 32×32 LR (64×64 HR)" in said
    fits = re.search(r"with train\.accumulate: (\d+) it fits", said)
    assert fits, said
    assert accumulate < int(fits[1]) <= 16
    carried_out(srkit, spec({**train, "accumulate": int(fits[1])}), tmp_path / "fits")


TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node")


@pytest.mark.slow
def test_started_by_torchrun_alone_it_learns_the_same(spec: Write, srkit: Srkit, tmp_path: Path) -> None:
    path = spec({"steps": 10}, deterministic=True)
    alone = carried_out(srkit, path, tmp_path / "alone")
    program = Program(path, "--device", "cuda", "--output", tmp_path / "torchrun", launcher=(*TORCHRUN, "1"))
    assert (ended := program.end())[0] == 0, ended[1]
    assert curve(tmp_path / "torchrun", "loss") == pytest.approx(curve(alone, "loss"), rel=1e-5)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="there are not two CUDA devices")
def test_two_devices_learn_what_one_learns(spec: Write, srkit: Srkit, tmp_path: Path) -> None:
    path = spec({"steps": 20})
    alone = carried_out(srkit, path, tmp_path / "alone")
    program = Program(path, "--device", "cuda", "--output", tmp_path / "together", launcher=(*TORCHRUN, "2"))
    assert (ended := program.end())[0] == 0, ended[1]
    assert curve(tmp_path / "together", "loss") == pytest.approx(curve(alone, "loss"), rel=1e-3)


ONE_OF_TWO = """
import sys
from pathlib import Path
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel
from sr_core.training.devices import Devices

meeting = Path(sys.argv[1]).as_uri()
distributed.init_process_group("nccl", init_method=meeting, rank=0, world_size=1)
devices = Devices(torch.device("cuda", 0), rank=0, world=2)
layer = nn.Conv2d(1, 2, 3).cuda()
parallel = devices.parallel(layer)
assert isinstance(parallel, DistributedDataParallel)
image = torch.rand(2, 1, 8, 8, device="cuda")
parallel(image).square().sum().backward()
found = layer.weight.grad.clone()
layer.weight.grad = None
layer(image).square().sum().backward()
torch.testing.assert_close(found, layer.weight.grad)
assert devices.any([True, False]) == [True, False]
assert devices.told({"a": [1, None]}) == {"a": [1, None]}
assert devices.mean(torch.full((3,), 4.0, device="cuda")).tolist() == [2, 2, 2]
distributed.destroy_process_group()
"""
"""Two devices take the paths that lead over NCCL; here the other one is missing, and brings nothing to a sum."""


@pytest.mark.slow
def test_devices_speak_over_nccl(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ONE_OF_TWO, str(tmp_path / "meeting")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
