"""Peak memory of a training step with activation checkpointing (`recompute: true`), over that of a step without.

DRCN, DRRN B1U25 and MemNet of full size on crops of the papers' sizes, few of them: the step's feature maps, gradients
and the network's own parameters, all that lies there at once. The last line printed is JSON: a ratio for each network,
and the worst.
"""

from __future__ import annotations

import argparse
import copy
import json

import torch
from machine import machine_facts
from torch.nn import functional as F

from sr_core import Model
from sr_core.inference.alive_tensors import AliveTensors
from sr_plugins_cnn.drcn import DRCN
from sr_plugins_cnn.drrn import DRRN
from sr_plugins_cnn.memnet import MemNet

SCALE = 2
CROPS = {"drcn": 40, "drrn": 30, "memnet": 30}
"""Sides of HR crops: the papers' 41, 31 and 31, cut to what the scale divides."""


def peak_bytes(network: Model, side: int, batch: int) -> int:
    """Of one step forward and backward."""
    generator = torch.Generator().manual_seed(0)
    hr = torch.rand((batch, 1, side, side), generator=generator)
    lr = F.avg_pool2d(hr, SCALE)
    meter = AliveTensors()
    with meter:
        predictions = network.predictions(lr, hr, SCALE, progress=0.1)
        torch.stack([p.weight * F.mse_loss(p.image, p.target) for p in predictions]).sum().backward()
    own = sum(tensor.nbytes for tensor in (*network.parameters(), *network.buffers()))
    return meter.peak + own


def main() -> None:
    """Measure each network both ways, then print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=4, help="crops in a step")
    batch = parser.parse_args().batch
    networks: dict[str, Model] = {"drcn": DRCN(), "drrn": DRRN(units=25), "memnet": MemNet()}
    ratios: dict[str, float] = {}
    peaks: dict[str, dict[str, int]] = {}
    for name, network in networks.items():
        saving = copy.deepcopy(network)
        saving.recompute = True
        peaks[name] = {
            "without": peak_bytes(network, CROPS[name], batch),
            "with": peak_bytes(saving, CROPS[name], batch),
        }
        ratios[name] = round(peaks[name]["with"] / peaks[name]["without"], 4)
        print(f"{name}: {ratios[name]}", flush=True)
    facts = {
        **ratios,
        "worst": max(ratios.values()),
        "batch": batch,
        "peak_bytes": peaks,
        **machine_facts(),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
