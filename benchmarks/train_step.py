"""Steps a second of the whole training loop, against a plain loop and against the bare step.

`versus_plain`: our loop (a spec, pictures from disk, bfloat16 where the hardware is fast at it) over the plain float32
NCHW loop of `reference_train.py`, which is fed from memory; the same network, batch and crop.
`versus_bare`: our loop over the same step on one fixed batch: nothing but forward, backward and optimiser, same
precision and layout. The sides take turns in one process. The last line printed is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from reference_train import BATCH, LR_SIDE, SCALE, ResidualNetwork, bare_step, plain_step
from resize import processor
from rich.console import Console
from ruamel.yaml import YAML
from torch import Tensor
from torch.nn import functional as F

from sr_core import Model, full_precision, hookimpl
from sr_core.discovery import Discovery, discover
from sr_core.inference.precision import choose_precision
from sr_core.planning import make_plan
from sr_core.runner import run
from sr_core.spec.reading import read_spec

NETWORKS: dict[str, dict[str, Any]] = {
    "residual": {"model": "benchmark-residual", "scale": SCALE, "crop": LR_SIDE * SCALE, "loss": "l1"},
    "espcn": {"model": "espcn", "scale": 3, "crop": 51, "loss": "mse"},
    "vdsr": {"model": "vdsr", "scale": 2, "crop": 41, "loss": "mse", "batch": 64},
}
whole_loop_discovery: Discovery
MARKS: list[tuple[int, float]] = []
"""(step, seconds) at every point of the curves: the loop tells its plugins."""


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
    sys.modules["train_step"] = sys.modules["__main__"]
    return discover()


def whole_loop(network: str, hr: list[str], steps: int, every: int, device: str, folder: Path) -> float:
    """Steps a second of `srkit run`'s training, counted from its first point of the curves to its last."""
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
    discovery = whole_loop_discovery
    read = read_spec(path, discovery.registry)
    MARKS.clear()
    output = Path(tempfile.mkdtemp(dir=folder))
    run(read, make_plan(read, discovery.registry), discovery.plugins, output / "run", Console(stderr=True))
    (first, began), (last, ended) = MARKS[0], MARKS[-1]
    return (last - first) / (ended - began)


def rate(step: Callable[[], None], steps: int, device: torch.device) -> float:
    """Steps a second."""
    step()
    _finish(device)
    started = time.perf_counter()
    for _ in range(steps):
        step()
    _finish(device)
    return steps / (time.perf_counter() - started)


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
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
    dtype = getattr(torch, choose_precision("auto", device))
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
    parser.add_argument("--steps", type=int, default=6, help="timed steps of each side in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument(
        "--hr", nargs="*", help="folders of pictures; default: T91 and BSD200 of SRKIT_DATA, else the samples"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    data = os.environ.get("SRKIT_DATA")
    hr = options.hr or ([f"{data}/train/T91", f"{data}/train/BSD200"] if data else ["samples:train"])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        whole_loop_discovery = installed(folder)
        plain = fixed_step(options.network, device, plain=True)
        bare = fixed_step(options.network, device, plain=False)
        rounds = []
        for _ in range(options.rounds):
            every = max(1, options.steps // 4)
            loop = whole_loop(options.network, hr, every + options.steps, every, options.device, folder)
            rounds.append((rate(plain, options.steps, device), rate(bare, options.steps, device), loop))
    plain_rate, bare_rate, loop_rate = (statistics.median(side) for side in zip(*rounds, strict=True))
    print(f"{options.network}: loop {loop_rate:.3f}, bare {bare_rate:.3f}, plain {plain_rate:.3f} steps/s")
    facts = {
        "versus_plain": round(statistics.median(loop / plain for plain, _, loop in rounds), 3),
        "versus_bare": round(statistics.median(loop / bare for _, bare, loop in rounds), 3),
        "network": options.network,
        "steps_per_second": round(loop_rate, 4),
        "bare_steps_per_second": round(bare_rate, 4),
        "plain_steps_per_second": round(plain_rate, 4),
        "precision": choose_precision("auto", device),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "peak_device_bytes": torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
        "threads": options.threads,
        "cpu": processor(),
        "amx": torch.cpu._is_amx_tile_supported(),
        "avx512_bf16": torch.cpu._is_avx512_bf16_supported(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
