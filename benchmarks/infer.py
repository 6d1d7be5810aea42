"""How much faster each network enlarges a picture ×4 than the plainest eager float32 PyTorch of the same layers.

The reference is `reference_infer`. Ours is what `srkit upscale` does: channels-last, bfloat16 where the hardware is
fast at it, memory kept. The last changes a whole process, so each side has one of its own, and the two take turns. A
process calls the network on a smaller picture first; unless that promises more than 10 s a call, once on the whole
picture; then as often as takes a second or two, but at least twice, or just once where a call is that long. A side's
seconds are the median of all such calls. Weights are drawn as each network starts.

The last line printed is JSON. Its `below_two` names, for each network less than twice as fast, the layer that takes
most of our time.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from machine import low_precision_facts, machine_facts
from reference_infer import NETWORKS, SCALE
from torch import Tensor, nn

from sr_core import Model
from sr_core.building import build
from sr_core.discovery import discover
from sr_core.host_allocator import keep_freed_memory
from sr_core.inference.engine import super_resolve
from sr_core.inference.networks import ready
from sr_core.inference.precision import autocast, choose_precision
from sr_core.parameters import ComponentReference

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "srcnn": ("srcnn", {"middle_kernel": 5}),
    "edsr_baseline": ("edsr", {}),
    "edsr": ("edsr", {"blocks": 32, "width": 256, "residual_scaling": 0.1}),
    "mdsr": ("mdsr", {"blocks": 80}),
}
"""Component and parameters of what is not the default of the component of that name."""
LONG = 10.0
"""Seconds of a call that is not repeated."""
ENOUGH = 1.5
"""Seconds that the timed calls of a process take together."""

Call = Callable[[Tensor], Tensor]


def reference_side(name: str, device: torch.device) -> tuple[nn.Module, Call]:
    """The plain network, and how it is called."""
    network = NETWORKS[name]().to(device).eval()

    def call(lr: Tensor) -> Tensor:
        with torch.inference_mode():
            out: Tensor = network(lr)
            return out

    return network, call


def our_side(name: str, device: torch.device) -> tuple[Model, Call]:
    """The product's network, and how `srkit upscale` calls it; changes the whole process."""
    keep_freed_memory()
    component, parameters = VARIANTS.get(name, (name, {}))
    reference = ComponentReference.of(component, parameters)
    built = build(discover().registry, "model", reference, {"scale": SCALE, "scales": [SCALE]})
    network = ready(built, device)
    precision = choose_precision("auto", device)

    def call(lr: Tensor) -> Tensor:
        with autocast(precision, device):
            return super_resolve(network, lr, SCALE)

    return network, call


def planes_of(network: nn.Module) -> int:
    """How many planes the network takes: three, or one, which DWSR makes four sub-bands of."""
    inputs = next(layer.in_channels for layer in network.modules() if isinstance(layer, nn.Conv2d))
    return inputs if inputs == 3 else 1


def seconds(call: Call, lr: Tensor) -> float:
    """Wall time of one call."""
    finish(lr.device)
    started = time.perf_counter()
    call(lr)
    finish(lr.device)
    return time.perf_counter() - started


def finish(device: torch.device) -> None:
    """Wait for what a GPU still has to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def warmed_up(call: Call, lr: Tensor) -> int:
    """Call the network a few times, and say how many calls shall be timed."""
    small = lr[..., : math.ceil(lr.shape[-2] / 4), : math.ceil(lr.shape[-1] / 4)]
    seconds(call, small)
    if seconds(call, small) * lr.numel() / small.numel() > LONG:
        return 1
    return max(2, math.ceil(ENOUGH / seconds(call, lr)))


def slowest_layer(network: nn.Module, call: Call, lr: Tensor) -> str:
    """The layer in which a call spends most of its time, and which share of it."""
    calls = warmed_up(call, lr)
    spent: dict[str, float] = defaultdict(float)

    def begin(path: str, *_: object) -> None:
        finish(lr.device)
        spent[path] -= time.perf_counter()

    def end(path: str, *_: object) -> None:
        finish(lr.device)
        spent[path] += time.perf_counter()

    layers = {path: layer for path, layer in network.named_modules() if not any(layer.children())}
    for path, layer in layers.items():
        layer.register_forward_pre_hook(partial(begin, path))
        layer.register_forward_hook(partial(end, path))
    whole = sum(seconds(call, lr) for _ in range(calls))
    path = max(spent, key=spent.__getitem__)
    outside = 1 - sum(spent.values()) / whole
    return f"{path} ({kind(layers[path])}): {spent[path] / whole:.0%} of the call; {outside:.0%} outside of layers"


def kind(layer: nn.Module) -> str:
    """What a layer is, in a few words."""
    name = type(layer).__name__
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        return f"{name} {layer.in_channels}→{layer.out_channels}, {layer.kernel_size[0]}×{layer.kernel_size[1]}"
    return name


def measure(side: str, options: argparse.Namespace) -> None:
    """One side of one network, in this process; prints JSON."""
    (name,) = options.network
    device = torch.device(options.device)
    torch.manual_seed(0)
    network, call = reference_side(name, device) if side == "reference" else our_side(name, device)
    lr = torch.rand(1, planes_of(network), options.size, options.size).to(device)
    facts: dict[str, object] = {"weights": sum(parameter.numel() for parameter in network.parameters())}
    if side == "layers":
        facts["slowest"] = slowest_layer(network, call, lr)
    else:
        facts["seconds"] = [seconds(call, lr) for _ in range(warmed_up(call, lr))]
    print(json.dumps(facts))


def in_its_own_process(side: str, name: str, options: argparse.Namespace) -> dict[str, Any]:
    """What `measure` prints."""
    command = [sys.executable, __file__, "--side", side, "--network", name, "--device", options.device]
    command += ["--threads", str(options.threads), "--size", str(options.size)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    facts: dict[str, Any] = json.loads(output.splitlines()[-1])
    return facts


def compare(name: str, options: argparse.Namespace) -> tuple[float, float]:
    """Seconds of (reference, ours)."""
    turns = [
        tuple(in_its_own_process(side, name, options) for side in ("reference", "ours")) for _ in range(options.rounds)
    ]
    for plain, own in turns:
        if plain["weights"] != own["weights"]:
            raise RuntimeError(f"{name}: {plain['weights']} weights in the reference, {own['weights']} in ours")
    reference, ours = (
        statistics.median(second for turn in side for second in turn["seconds"]) for side in zip(*turns, strict=True)
    )
    return reference, ours


def main() -> None:
    """Measure, then print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", nargs="+", choices=NETWORKS, default=list(NETWORKS), metavar="NAME")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=1, help="how often both sides take their turn")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--size", type=int, default=128, help="side of the LR picture")
    parser.add_argument("--side", choices=("reference", "ours", "layers"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.side:
        measure(options.side, options)
        return
    device = torch.device(options.device)
    plain: dict[str, float] = {}
    own: dict[str, float] = {}
    below_two: dict[str, str] = {}
    for name in options.network:
        plain[name], own[name] = compare(name, options)
        ratio = plain[name] / own[name]
        print(f"{name}: reference {plain[name]:.4f} s, ours {own[name]:.4f} s, ratio {ratio:.2f}", flush=True)
        if ratio < 2:
            below_two[name] = in_its_own_process("layers", name, options)["slowest"]
            print(f"    {below_two[name]}", flush=True)
    ratios = {name: plain[name] / own[name] for name in plain}
    facts = {
        "geometric_mean": round(statistics.geometric_mean(ratios.values()), 3),
        "ratios": {name: round(ratio, 3) for name, ratio in ratios.items()},
        "below_two": below_two,
        "reference_seconds": {name: round(second, 5) for name, second in plain.items()},
        "seconds": {name: round(second, 5) for name, second in own.items()},
        "precision": choose_precision("auto", device),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "size": options.size,
        "rounds": options.rounds,
        "threads": options.threads,
        **low_precision_facts(),
        **machine_facts(),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
