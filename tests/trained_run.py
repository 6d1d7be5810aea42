"""A run directory as a training leaves it, without any training: made-up curves, and pictures that get sharper."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.console import Console
from torch import Tensor

from sr_core.evaluation.benchmark import Comparison
from sr_core.evaluation.candidates import Answer
from sr_core.evaluation.truth import Truth
from sr_core.imaging.resize import resize
from sr_core.protocol import PROTOCOLS
from sr_core.record import Record
from sr_core.run_directory import RunDirectory
from sr_core.run_events import RunEvents
from sr_core.training_journal import TrainingJournal
from tests.conftest import textured

TRAIN = {
    "model": {"name": "espcn", "features": [64, 32]},
    "data": {"hr": ["T91"], "crop": 51, "batch": 16},
    "loss": ["mse", {"name": "l1", "weight": 0.5}],
    "optimizer": {"name": "adam", "lr": 0.001},
}


def write_trained_run(
    path: Path,
    *,
    name: str = "first training",
    dataset: str = "Set5",
    steps: int = 1000,
    size: tuple[int, int] = (96, 120),
    pictures: Sequence[str] = ("butterfly",),
    validations: int = 5,
) -> Path:
    """A run of `steps` steps with a point of the curves each hundredth of it."""
    path.mkdir(parents=True)
    directory = RunDirectory(path)
    directory.write_text("spec.yaml", f"name: {name}\ntrain: …\n")
    directory.write_json("environment.json", {"device": "cpu", "torch": "2.13", "srkit": "0.1.0"})
    events = RunEvents(directory, [])
    events.tell("started", spec={"name": name, "train": {**TRAIN, "steps": steps}}, notes=["2 pictures are left out"])
    with TrainingJournal(directory, events, Console(file=io.StringIO()), steps) as journal:
        journal.described({"parameters": 24_336, "training pictures": 91})
        for step in range(0, steps + 1, max(1, steps // 100)):
            if step:
                journal.logged(step, values_at(step / steps))
            if step % (steps // (validations - 1)) == 0:
                for number, picture in enumerate(pictures):
                    journal.pictured(step, comparison(dataset, picture, step / steps, size, number))
                journal.validated(step, [record("trained", psnr_at(step / steps), dataset)])
    return path


def values_at(progress: float) -> dict[str, float]:
    """The curves' values at a share of the training."""
    wave = 1 + 0.2 * math.sin(progress * 400)
    mse, l1 = 0.02 * wave * 0.05**progress, 0.08 * wave * 0.2**progress
    return {
        "loss": mse + l1,
        "loss/mse": mse,
        "loss/l1": l1,
        "learning rate": 0.001 * (1 + math.cos(math.pi * progress)),
        "gradient norm": 0.4 * wave * 0.2**progress,
        "images per second": 840 + 30 * wave,
        "waiting for data": 0.04 * wave,
    }


def psnr_at(progress: float) -> float:
    """28 dB at the start, best (32.32 dB) at three quarters, a little worse at the end."""
    return 32.32 - 4.32 * (1 - progress / 0.75) ** 2 if progress < 0.75 else 32.32 - 0.1 * (progress - 0.75)


def record(candidate: str, mean: float, dataset: str = "Set5") -> Record:
    return Record(
        dataset=dataset,
        scale=3,
        candidate=candidate,
        metric="psnr",
        protocol=PROTOCOLS["classic"],
        mean=mean,
        per_image={"butterfly": mean},
        seconds_per_image=0.1,
        device="cpu",
        precision="float32",
        low_resolution="bicubic",
        unit="dB",
        higher_is_better=True,
        decimals=2,
    )


def comparison(
    dataset: str, picture: str, progress: float, size: tuple[int, int] = (96, 120), seed: int = 0
) -> Comparison:
    """LR, and SR somewhere between LR enlarged and HR."""
    hr = torch.from_numpy(textured(size, 3, seed)).permute(2, 0, 1)[None].double() / 255
    lr = resize(hr, 1 / 3, (size[0] // 3, size[1] // 3)).clamp(0, 1)
    sr = torch.lerp(resize(lr, 3, size), hr, progress)
    answer = Answer(sr, sr, 0.1)
    return Comparison(
        dataset, 3, picture, Truth(hr, lr.float(), None), {"trained": answer}, {"trained": {"psnr": psnr_at(progress)}}
    )


def write_results(path: Path, records: Sequence[Record]) -> None:
    """What evaluation adds to a run directory."""
    (path / "results.json").write_text(json.dumps([record.plain() for record in records]), encoding="utf-8")


def levels(picture: Tensor) -> list[list[int]]:
    """First plane of a 1×C×H×W picture in levels of 0 to 255."""
    rows: list[list[int]] = (picture[0, 0] * 255 + 0.5).floor().int().tolist()
    return rows
