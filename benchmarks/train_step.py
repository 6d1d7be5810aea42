"""Steps a second of the whole training loop, against a plain loop and against the bare step.

`versus_plain`: our loop (a spec, pictures from disk, bfloat16 where the hardware is fast at it) over the plain float32
NCHW loop of `reference_train.py`, which is fed from memory; the same network, batch and crop.
`versus_bare`: our loop over the same step on one fixed batch: nothing but forward, backward and optimiser, same
precision and layout. The sides take turns in one process. The last line printed is JSON. Its `waiting_for_data` is the
share of our loop's time in which it waited for a batch; each peak is what a side took on the device beyond what lay
there before.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from machine import low_precision_facts, machine_facts
from reference_train import BATCH, LR_SIDE, SCALE, ResidualNetwork, bare_step, plain_step
from rich.console import Console
from ruamel.yaml import YAML
from torch import Tensor
from torch.nn import functional as F

from sr_core import Model, full_precision, hookimpl
from sr_core.discovery import Discovery, discover
from sr_core.inference.precision import choose_training_precision
from sr_core.planning import make_plan
from sr_core.reporting.curves import read_curves
from sr_core.runner import run
from sr_core.spec.reading import read_spec

NETWORKS: dict[str, dict[str, Any]] = {
    "residual": {"model": "benchmark-residual", "scale": SCALE, "crop": LR_SIDE * SCALE, "loss": "l1"},
    "espcn": {"model": "espcn", "scale": 3, "crop": 51, "loss": "mse"},
    "vdsr": {"model": "vdsr", "scale": 2, "crop": 41, "loss": "mse", "batch": 64},
}
STEPS = {
    "cpu": {"residual": 6, "espcn": 400, "vdsr": 4},
    "cuda": {"residual": 150, "espcn": 4000, "vdsr": 200},
}
"""Timed steps of each side in a round: some seconds, and for ESPCN many times what our loop gathers in one go."""
whole_loop_discovery: Discovery
MARKS: list[tuple[int, float]] = []
"""(step, seconds) at every point of the curves: the loop tells its plugins."""


@dataclass(frozen=True)
class Side:
    """What one side came to in a round.

    Attributes:
        rate: steps a second.
        peak: bytes on a CUDA device, beyond what lay there before; None elsewhere.
        waiting: share of the time spent waiting for data; 0 where there is none to wait for.
    """

    rate: float
    peak: int | None
    waiting: float = 0.0


class BenchmarkResidual(Model):
    """The reference's network behind our contract."""

    scales = frozenset({SCALE})
    channels = "rgb"

    def __init__(self) -> None:
        super().__init__()
        self.network = ResidualNetwork()

    def forward(self, lr: Tensor, scale: float | tuple[float, float]) -> Tensor:
        """SR of `lr`."""
        del scale
        network = self.network
        shallow = network.head(lr)
        with full_precision(network.enlarge(shallow + network.body(shallow))) as (features,):
            out: Tensor = network.last(features)
            return out


@hookimpl
def srkit_register(registry: Any) -> None:  # noqa: ANN401 - the core's Registrar
    """Register the network."""
    registry.model("benchmark-residual", "train_step:BenchmarkResidual", summary="16 blocks of 64 channels")


@hookimpl
def srkit_run_event(event: str, details: Mapping[str, Any]) -> None:
    """Note when the loop reached a step."""
    if event == "step":
        MARKS.append((details["step"], time.perf_counter()))


def installed(folder: Path) -> Discovery:
    """What is installed, and this module as one more plugin."""
    information = folder / "srkit_benchmark-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: srkit-benchmark\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[srkit.plugins]\ntrain_step = train_step\n")
    sys.path.insert(0, str(folder))
    sys.modules["train_step"] = sys.modules[__name__]
    return discover()


def whole_loop(network: str, hr: list[str], steps: int, every: int, device: str, folder: Path) -> Side:
    """`srkit run`'s training, measured from its first point of the curves, after `every` steps, to its last."""
    chosen = NETWORKS[network]
    spec = {
        "name": "benchmark",
        "scale": chosen["scale"],
        "device": device,
        "train": {
            "model": chosen["model"],
            "data": {"hr": hr, "crop": chosen["crop"], "batch": chosen.get("batch", BATCH), "small": "leave_out"},
            "loss": chosen["loss"],
            "optimizer": {"name": "adam", "lr": 1e-4},
            "steps": steps,
            "log": every,
            "checkpoint": {"every": 10 * steps},
        },
    }
    path = folder / "spec.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(spec, file)
    lain = bytes_on(device)
    discovery = whole_loop_discovery
    read = read_spec(path, discovery.registry)
    MARKS.clear()
    output = Path(tempfile.mkdtemp(dir=folder)) / "run"
    run(read, make_plan(read, discovery.registry), discovery.plugins, output, Console(stderr=True))
    (first, began), (last, ended) = MARKS[0], MARKS[-1]
    waiting = read_curves(output / "metrics.csv")["waiting for data"].values[1:]
    return Side((last - first) / (ended - began), peak_on(device, lain), statistics.fmean(waiting))


def one_step(network: str, steps: int, device: str, *, plain: bool) -> Side:
    """The plain or the bare step on one fixed batch, after as many steps of warming up as the loop has."""
    lain = bytes_on(device)
    step = fixed_step(network, torch.device(device), plain=plain)
    for _ in range(warming_up(steps)):
        step()
    _finish(device)
    started = time.perf_counter()
    for _ in range(steps):
        step()
    _finish(device)
    return Side(steps / (time.perf_counter() - started), peak_on(device, lain))


def warming_up(steps: int) -> int:
    """Steps that are not timed."""
    return max(1, steps // 4)


def bytes_on(device: str) -> int:
    """What lies on a CUDA device now; from here on its peak is counted anew."""
    if not device.startswith("cuda"):
        return 0
    gc.collect()  # a finished run's tensors may hang in cycles
    torch.cuda.reset_peak_memory_stats(device)
    return torch.cuda.memory_allocated(device)


def peak_on(device: str, lain: int) -> int | None:
    """The peak since `bytes_on` gave `lain`, beyond that."""
    return torch.cuda.max_memory_allocated(device) - lain if device.startswith("cuda") else None


def _finish(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def fixed_step(network: str, device: torch.device, *, plain: bool) -> Callable[[], None]:
    """The plain step, or the bare step at our loop's precision, on one fixed batch."""
    chosen = NETWORKS[network]
    scale, batch = chosen["scale"], chosen.get("batch", BATCH)
    planes = 3 if network == "residual" else 1
    side = chosen["crop"] // scale
    generator = torch.Generator().manual_seed(0)
    lr = torch.rand((batch, planes, side, side), generator=generator).to(device)
    hr = torch.rand((batch, planes, side * scale, side * scale), generator=generator).to(device)
    torch.manual_seed(0)
    if network == "residual" and plain:
        return plain_step(ResidualNetwork().to(device), lr, hr)
    registry = whole_loop_discovery.registry
    component = registry.get("model", chosen["model"]).load()
    model = component() if network == "residual" else component(**({"scale": scale} if network == "espcn" else {}))
    caller = _WithScale(model, scale).to(device)
    if plain:
        return plain_step(caller, lr, hr)
    loss = F.l1_loss if chosen["loss"] == "l1" else F.mse_loss
    dtype = getattr(torch, choose_training_precision("auto", device))
    return bare_step(caller, lr, hr, dtype, loss)


class _WithScale(torch.nn.Module):
    """A model of ours as a network of one argument."""

    def __init__(self, model: Model, scale: float) -> None:
        super().__init__()
        self.model, self.scale = model, scale

    def forward(self, lr: Tensor) -> Tensor:
        out: Tensor = self.model(lr, self.scale)
        return out


def main() -> None:
    """Measure, then print."""
    global whole_loop_discovery
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=NETWORKS, default="residual")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, help="timed steps of each side in a round; default: by network and device")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument(
        "--hr", nargs="*", help="folders of pictures; default: T91 and BSD200 of SRKIT_DATA, else the samples"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device, network = torch.device(options.device), options.network
    steps = options.steps or STEPS.get(device.type, STEPS["cpu"])[network]
    every = warming_up(steps)
    data = os.environ.get("SRKIT_DATA")
    hr = options.hr or ([f"{data}/train/T91", f"{data}/train/BSD200"] if data else ["samples:train"])
    rounds: list[tuple[Side, Side, Side]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        whole_loop_discovery = installed(folder)
        for _ in range(options.rounds):
            plain = one_step(network, steps, options.device, plain=True)
            bare = one_step(network, steps, options.device, plain=False)
            rounds.append((plain, bare, whole_loop(network, hr, every + steps, every, options.device, folder)))
    plain_rate, bare_rate, loop_rate = (
        statistics.median(each.rate for each in side) for side in zip(*rounds, strict=True)
    )
    plain, bare, loop = rounds[-1]
    print(f"{network}: loop {loop_rate:.3f}, bare {bare_rate:.3f}, plain {plain_rate:.3f} steps/s")
    facts = {
        "versus_plain": round(statistics.median(loop.rate / plain.rate for plain, _, loop in rounds), 3),
        "versus_bare": round(statistics.median(loop.rate / bare.rate for _, bare, loop in rounds), 3),
        "network": network,
        "steps_per_second": round(loop_rate, 4),
        "bare_steps_per_second": round(bare_rate, 4),
        "plain_steps_per_second": round(plain_rate, 4),
        "waiting_for_data": round(statistics.median(loop.waiting for _, _, loop in rounds), 4),
        "precision": choose_training_precision("auto", device),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "peak_device_bytes": loop.peak,
        "bare_peak_device_bytes": bare.peak,
        "plain_peak_device_bytes": plain.peak,
        "steps": steps,
        "rounds": options.rounds,
        "threads": options.threads,
        **low_precision_facts(),
        **machine_facts(),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
