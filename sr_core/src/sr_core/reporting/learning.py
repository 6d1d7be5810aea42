"""How a network learns, seen on fixed pictures: one detail of SR kept at each validation, beside LR and HR."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from sr_core.atomic import atomic_write
from sr_core.file_names import file_name
from sr_core.imaging.resize import resize
from sr_core.reporting.sheet import GAP, INK, PALE, PAPER, Detail, find_details, font
from sr_core.scales import Scale, describe_scale

SIDE = 160
"""HR pixels of the detail's side, where the picture is as large."""
INDEX = "learning.json"
LR, HR = "lr.webp", "hr.webp"
MOST_ON_SHEET = 6
LABELS = 46


class LearningStep(BaseModel):
    """SR of one validation.

    Attributes:
        step: of the training.
        file: the detail of SR, lossless, named relative to the index.
        figures: metric → its value for the whole picture, as text.
    """

    model_config = ConfigDict(frozen=True)

    step: int
    file: str
    figures: dict[str, str] = {}

    @property
    def note(self) -> str:
        """The figures in one line, as `psnr 32.31   ssim 0.91`."""
        return "   ".join(f"{metric} {value}" for metric, value in self.figures.items())


class LearningIndex(BaseModel):
    """What is kept of one picture at one scale; LR and HR lie beside it as `lr.webp` and `hr.webp`.

    Attributes:
        dataset: name of its data set.
        scale: SR size over LR size.
        picture: its name.
        detail: (top, left, side) of what is shown, in HR pixels.
        steps: rising.
    """

    model_config = ConfigDict(frozen=True)

    dataset: str
    scale: Scale
    picture: str
    detail: tuple[int, int, int]
    steps: tuple[LearningStep, ...]

    @property
    def title(self) -> str:
        """As `Set5 ×3 butterfly`."""
        return f"{self.dataset} ×{describe_scale(self.scale)} {self.picture}"


def keep_step(
    root: Path,
    place: tuple[str, Scale, str],
    step: int,
    pictures: tuple[Tensor, Tensor, Tensor],
    figures: Mapping[str, str] | None = None,
) -> None:
    """Keep the most detailed place of SR as it is at one step; the first time, those of LR and HR too.

    Args:
        root: the run's `learning/`.
        place: (data set, scale, picture).
        step: of the training; what was kept of it or of later ones is replaced.
        pictures: (LR, SR, HR), each 1×C×H×W in [0, 1]; SR of the size of HR, LR smaller.
        figures: metric → value of this picture, as text.
    """
    dataset, scale, picture = place
    lr, sr, hr = pictures
    folder = root / file_name(dataset) / f"x{describe_scale(scale)}" / file_name(picture)
    if (folder / INDEX).is_file():
        index = _read(folder / INDEX)
    else:
        found = _detail(hr)
        # LR's pixels are repeated by the true scale, so that its detail lies where HR's does.
        _save(found.cut(resize(lr, scale, (hr.shape[-2], hr.shape[-1]), "nearest")), folder / LR)
        _save(found.cut(hr), folder / HR)
        detail = (found.top, found.left, found.side)
        index = LearningIndex(dataset=dataset, scale=scale, picture=picture, detail=detail, steps=())
    kept = LearningStep(step=step, file=f"step-{step:08d}.webp", figures=dict(figures or {}))
    _save(Detail(*index.detail).cut(sr), folder / kept.file)
    earlier = tuple(other for other in index.steps if other.step < step)
    _write(index.model_copy(update={"steps": (*earlier, kept)}), folder)


def read_learning(root: Path) -> list[tuple[Path, LearningIndex]]:
    """Every index below a run's `learning/` with the folder its files lie in, in the order of their names."""
    return [(path.parent, _read(path)) for path in sorted(root.rglob(INDEX), key=lambda path: path.parts)]


def cut_back(root: Path, step: int) -> None:
    """Forget what was kept after `step`, which a resumed training comes to again."""
    for folder, index in read_learning(root):
        _write(index.model_copy(update={"steps": tuple(kept for kept in index.steps if kept.step <= step)}), folder)
        for kept in index.steps:
            if kept.step > step:
                (folder / kept.file).unlink(missing_ok=True)


def chosen(steps: Sequence[LearningStep], most: int) -> list[LearningStep]:
    """At most `most` (≥ 2) of the steps, with the first and the last; denser early, where a network learns fastest."""
    if len(steps) <= most:
        return list(steps)
    indices = np.unique(np.round(np.geomspace(1, len(steps), most)).astype(int) - 1)
    return [steps[index] for index in indices]


def write_sheets(root: Path) -> list[Path]:
    """Draw `<picture>.png` beside each picture's folder: LR, SR at a few steps, HR. Returns the files."""
    written = []
    for folder, index in read_learning(root):
        if not index.steps:
            continue
        sheet = folder.with_name(f"{folder.name}.png")
        with atomic_write(sheet) as partial:
            _sheet(folder, index).save(partial)
        written.append(sheet)
    return written


def _sheet(folder: Path, index: LearningIndex) -> Image.Image:
    steps = [(f"step {kept.step}", kept.note, kept.file) for kept in chosen(index.steps, MOST_ON_SHEET)]
    tiles = [("LR", "pixels repeated", LR), *steps, ("HR", "the truth", HR)]
    side = max(SIDE, index.detail[2])
    sheet = Image.new("RGB", (GAP + len(tiles) * (side + GAP), LABELS + side + LABELS + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP, GAP), index.title, fill=INK, font=font(20))
    for number, (label, note, file) in enumerate(tiles):
        x = GAP + number * (side + GAP)
        with Image.open(folder / file) as image:
            sheet.paste(image.resize((side, side), Image.Resampling.NEAREST), (x, LABELS))
        draw.text((x, LABELS + side + 4), label, fill=INK, font=font(16))
        draw.text((x, LABELS + side + 24), note, fill=PALE, font=font(13))
    return sheet


def _detail(hr: Tensor) -> Detail:
    """A square of `SIDE` around the most detailed place, within the picture."""
    height, width = hr.shape[-2:]
    side = min(SIDE, height, width)
    found = find_details(hr)[0]
    top = found.top + (found.side - side) // 2
    left = found.left + (found.side - side) // 2
    return Detail(min(max(0, top), height - side), min(max(0, left), width - side), side)


def _read(path: Path) -> LearningIndex:
    return LearningIndex.model_validate_json(path.read_bytes())


def _write(index: LearningIndex, folder: Path) -> None:
    """The index comes after the files it names, and appears whole."""
    with atomic_write(folder / INDEX) as partial:
        partial.write_text(json.dumps(index.model_dump(mode="json"), ensure_ascii=False), encoding="utf-8")


def _save(image: Image.Image, path: Path) -> None:
    with atomic_write(path) as partial:
        image.save(partial, "WEBP", lossless=True)
