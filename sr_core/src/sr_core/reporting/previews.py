"""What the report shows of each picture, kept small in the run directory: details and the whole from every panel."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from pydantic import BaseModel, ConfigDict

from sr_core.atomic import atomic_write
from sr_core.reporting.sheet import Detail, Panel, find_details, to_image
from sr_core.scales import Scale

LONGEST_SIDE = 1024
QUALITY = 85
INDEX = "panels.json"


class PreviewPanel(BaseModel):
    """One panel's files, named relative to the index.

    Attributes:
        label: who made it.
        details: lossless cuts, one for each marked detail.
        whole: the whole picture, at most `LONGEST_SIDE` pixels long, lossy.
    """

    model_config = ConfigDict(frozen=True)

    label: str
    details: tuple[str, ...]
    whole: str


class PreviewIndex(BaseModel):
    """What there is to show of one picture at one scale.

    Attributes:
        dataset: name of its data set.
        scale: SR size over LR size.
        picture: its name.
        size: (height, width) of HR in pixels.
        details: (top, left, side) of each detail in HR pixels.
        panels: LR first, then the candidates, HR last.
    """

    model_config = ConfigDict(frozen=True)

    dataset: str
    scale: Scale
    picture: str
    size: tuple[int, int]
    details: tuple[tuple[int, int, int], ...]
    panels: tuple[PreviewPanel, ...]


def write_previews(folder: Path, dataset: str, scale: Scale, picture: str, panels: Sequence[Panel]) -> None:
    """Write the previews of one picture into `folder`; the index comes last, so that it only names finished files.

    Args:
        folder: one for each picture and scale.
        dataset: name of its data set.
        scale: SR size over LR size.
        picture: its name.
        panels: LR first, then the candidates, HR last; all 1×C×H×W of one size.
    """
    hr = panels[-1].picture
    details = find_details(hr)
    written = [_write_panel(folder, number, panel, details) for number, panel in enumerate(panels)]
    index = PreviewIndex(
        dataset=dataset,
        scale=scale,
        picture=picture,
        size=(hr.shape[-2], hr.shape[-1]),
        details=tuple((detail.top, detail.left, detail.side) for detail in details),
        panels=tuple(written),
    )
    with atomic_write(folder / INDEX) as partial:
        partial.write_text(json.dumps(index.model_dump(mode="json"), ensure_ascii=False), encoding="utf-8")


def read_previews(folder: Path) -> list[tuple[Path, PreviewIndex]]:
    """Every index below `folder`, with the folder its files lie in, in the order of their names."""
    found = sorted(folder.rglob(INDEX), key=lambda path: path.parts)
    return [(path.parent, PreviewIndex.model_validate_json(path.read_bytes())) for path in found]


def _write_panel(folder: Path, number: int, panel: Panel, details: Sequence[Detail]) -> PreviewPanel:
    """Files are numbered, since labels may hold what no file name can."""
    cuts = []
    for row, detail in enumerate(details):
        cuts.append(f"{number}-{row}.webp")
        _save(detail.cut(panel.picture), folder / cuts[-1], lossless=True)
    whole = to_image(panel.picture)
    whole.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    _save(whole, folder / f"{number}.webp", quality=QUALITY)
    return PreviewPanel(label=panel.label, details=tuple(cuts), whole=f"{number}.webp")


def _save(image: Image.Image, path: Path, **options: int | bool) -> None:
    with atomic_write(path) as partial:
        image.save(partial, "WEBP", **options)
