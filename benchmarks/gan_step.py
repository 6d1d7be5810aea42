"""Steps a second of adversarial training by the whole loop, against the bare sum of its parts on one fixed batch.

The parts, in plain PyTorch at the same precision and layout: the generator forward without a gradient, the
discriminator forward on HR and on SR, backward and its optimiser; then the generator forward, the squared error, the
discriminator forward on SR with its parameters frozen, backward through both and the optimiser. The sides take turns
in one process. `versus_bare` is ours over theirs; the last line printed is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import train_step
from machine import low_precision_facts, machine_facts
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import Model
from sr_core.building import build
from sr_core.inference.precision import choose_training_precision
from sr_core.parameters import ComponentReference
from sr_core.registry import Registry

SCALE, CROP, BATCH, WEIGHT = 4, 96, 16, 1e-3
GENERATOR: dict[str, Any] = {"name": "srresnet", "blocks": 4, "width": 32}
DISCRIMINATOR: dict[str, Any] = {"name": "vgg_style", "width": 32}
STEPS = {"cpu": 4, "cuda": 100}


def bare_step(registry: Registry, device: torch.device, dtype: torch.dtype) -> Callable[[], None]:
    """One step of both players on one fixed batch, with everything that makes it fast and nothing else."""
    filled = {"scale": SCALE, "scales": [SCALE], "channels": "rgb"}
    generator: Model = build(registry, "model", ComponentReference.model_validate(GENERATOR), filled)
    discriminator: nn.Module = build(registry, "part", ComponentReference.model_validate(DISCRIMINATOR), filled)
    random = torch.Generator().manual_seed(0)
    side = CROP // SCALE
    lr, hr = (torch.rand((BATCH, 3, size, size), generator=random) for size in (side, CROP))
    lr, hr = (image.to(device).contiguous(memory_format=torch.channels_last) for image in (lr, hr))
    players = [player.to(device).to(memory_format=torch.channels_last) for player in (generator, discriminator)]
    optimizers = [torch.optim.Adam(player.parameters(), lr=1e-4, fused=True) for player in players]

    def verdict(image: Tensor) -> Tensor:
        found: Tensor = discriminator(image)
        return found.float()

    def step() -> None:
        with torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32):
            with torch.no_grad():
                sr = generator(lr, SCALE).float()
            judged = F.softplus(-verdict(hr)).mean() + F.softplus(verdict(sr)).mean()
        optimizers[1].zero_grad(set_to_none=True)
        judged.backward()
        optimizers[1].step()
        discriminator.requires_grad_(requires_grad=False)
        with torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32):
            sr = generator(lr, SCALE).float()
            loss = F.mse_loss(sr, hr) + WEIGHT * F.softplus(-verdict(sr)).mean()
        optimizers[0].zero_grad(set_to_none=True)
        loss.backward()
        optimizers[0].step()
        discriminator.requires_grad_(requires_grad=True)

    return step


def rate_of(step: Callable[[], None], steps: int, device: torch.device) -> float:
    """Steps a second, after a few that are not timed."""
    for _ in range(train_step.warming_up(steps)):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    started = time.perf_counter()
    for _ in range(steps):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return steps / (time.perf_counter() - started)


def main() -> None:
    """Measure, then print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, help="timed steps of each side in a round; default: by device")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    steps = options.steps or STEPS.get(device.type, STEPS["cpu"])
    data = os.environ.get("SRKIT_DATA")
    hr = [f"{data}/train/T91", f"{data}/train/BSD200"] if data else ["samples:train"]
    adversarial = {"name": "gan", "weight": WEIGHT, "discriminator": DISCRIMINATOR}
    train_step.NETWORKS["gan"] = {
        "model": GENERATOR,
        "scale": SCALE,
        "crop": CROP,
        "batch": BATCH,
        "loss": ["mse", adversarial],
    }
    precision = choose_training_precision("auto", device)
    rounds: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        train_step.whole_loop_discovery = discovery = train_step.installed(folder)
        every = train_step.warming_up(steps)
        for _ in range(options.rounds):
            bare = rate_of(bare_step(discovery.registry, device, getattr(torch, precision)), steps, device)
            loop = train_step.whole_loop("gan", hr, every + steps, every, options.device, folder)
            rounds.append((loop.rate, bare))
    loop_rate, bare_rate = (statistics.median(side) for side in zip(*rounds, strict=True))
    print(f"loop {loop_rate:.3f}, bare {bare_rate:.3f} steps/s")
    facts = {
        "versus_bare": round(statistics.median(loop / bare for loop, bare in rounds), 3),
        "steps_per_second": round(loop_rate, 4),
        "bare_steps_per_second": round(bare_rate, 4),
        "generator": GENERATOR,
        "discriminator": DISCRIMINATOR,
        "precision": precision,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "steps": steps,
        "rounds": options.rounds,
        "threads": options.threads,
        **low_precision_facts(),
        **machine_facts(),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
