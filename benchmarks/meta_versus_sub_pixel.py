"""Meta-Upscale against sub-pixel convolutions at whole scales, on the same small RDN, equally and shortly trained.

For each of ×2, ×3 and ×4 and each seed both networks learn that scale alone from T91: the same pictures, crops, steps
and rates, by `srkit run`'s own training. Set5 is measured as the protocol `modern` has it, SR in float32. The last line
printed is JSON: its `mean` is the mean of all differences in dB, Meta less sub-pixel, `of_scales` the mean of the seeds
at each scale. Needs SRKIT_DATA; takes 17 minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from machine import low_precision_facts, machine_facts
from rich.console import Console
from ruamel.yaml import YAML

from sr_core.discovery import Discovery, discover
from sr_core.planning import make_plan
from sr_core.runner import run
from sr_core.spec.reading import read_spec

RDN = {"depth": 4, "convolutions": 4, "growth": 24, "width": 32}
NETWORKS = {"sub-pixel": "rdn", "meta": "meta_rdn"}


def recipe(network: str, scale: int, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """The spec of one training and its measurement."""
    return {
        "name": f"{network}-x{scale}-seed{seed}",
        "scale": scale,
        "seed": seed,
        "train": {
            "model": {"name": NETWORKS[network], **RDN},
            "data": {
                "hr": "${SRKIT_DATA}/train/T91",
                "leave_out": ["t36.png"],  # t65 again
                "small": "leave_out",
                "lr_crop": options.lr_crop,
                "batch": options.batch,
            },
            "loss": "l1",
            "optimizer": {"name": "adam", "lr": 1e-3},
            "schedule": {"name": "cosine", "warmup": options.steps // 20},
            "clip": {"norm": 10},
            "steps": options.steps,
            "log": options.steps,
            "checkpoint": {"every": options.steps, "keep": 1},
        },
        "evaluate": {
            "on": {"name": "Set5", "hr": "${SRKIT_DATA}/Set5/HR"},
            "candidates": ["bicubic", {"model": "trained"}],
            "metrics": ["psnr"],
            "protocol": "modern",
        },
    }


def psnr_of(spec: dict[str, Any], discovery: Discovery, folder: Path) -> dict[str, float]:
    """PSNR on Set5 by candidate, after the spec's training."""
    path = folder / f"{spec['name']}.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(spec, file)
    read = read_spec(path, discovery.registry)
    plan = make_plan(read, discovery.registry)
    finished = run(read, plan, discovery.plugins, folder / spec["name"], Console(stderr=True))
    return {record.candidate: record.mean for record in finished.records}


def main() -> None:
    """Train and measure all, then print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scales", type=int, nargs="+", default=[2, 3, 4])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--lr-crop", type=int, default=16, help="side of the LR crops")
    options = parser.parse_args()
    discovery = discover()
    figures: dict[str, dict[str, float]] = {}
    differences: dict[int, list[float]] = {scale: [] for scale in options.scales}
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for seed in options.seeds:
            for scale in options.scales:
                both = {}
                for network in NETWORKS:
                    spec = recipe(network, scale, seed, options)
                    figures[spec["name"]] = found = psnr_of(spec, discovery, Path(folder))
                    both[network] = found.pop("trained")
                    found["trained"] = both[network]
                    spent = time.perf_counter() - started
                    print(
                        f"{spec['name']}: {both[network]:.3f} dB, bicubic {found['bicubic']:.3f}, {spent:.0f} s",
                        flush=True,
                    )
                differences[scale].append(both["meta"] - both["sub-pixel"])
    facts = {
        "mean": round(statistics.fmean(value for values in differences.values() for value in values), 4),
        "of_scales": {scale: round(statistics.fmean(values), 4) for scale, values in differences.items()},
        "differences": {scale: [round(value, 4) for value in values] for scale, values in differences.items()},
        "psnr": {name: {of: round(value, 4) for of, value in found.items()} for name, found in figures.items()},
        "network": RDN,
        "steps": options.steps,
        "batch": options.batch,
        "lr_crop": options.lr_crop,
        "threads": torch.get_num_threads(),
        **low_precision_facts(),
        **machine_facts(),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
