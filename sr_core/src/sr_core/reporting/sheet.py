"""The comparison sheet: the same details of one picture from every candidate and the truth, labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn import functional as F

TILE = 256
GAP = 12
LABEL_HEIGHT = 27
NOTE_HEIGHT = 19
NOTE_SIZE = 15
BETWEEN_FIGURES = "   "
TITLE_HEIGHT = 40
PAPER, INK, PALE, MARKS = "white", "#1a1a1a", "#666666", ("#d9480f", "#1971c2")
MOST_COLUMNS = 6


@dataclass(frozen=True)
class Panel:
    """One picture on the sheet.

    Attributes:
        label: who made it.
        note: its figures, smaller beneath; it is broken between figures (`BETWEEN_FIGURES`) where it is too wide.
        picture: 1×C×H×W in [0, 1], C 1 or 3; LR is brought to the size of HR beforehand.
    """

    label: str
    note: str
    picture: Tensor


def draw_sheet(title: str, hr: Tensor, panels: Sequence[Panel]) -> Image.Image:
    """Draw the whole HR picture with its marked details, and beside it those details from every panel.

    Args:
        title: what the sheet shows.
        hr: 1×C×H×W in [0, 1], for the overview and to find the details.
        panels: in the order they are shown; all of the size of `hr`.
    """
    details = find_details(hr)
    rows = -(-len(panels) // MOST_COLUMNS)
    columns = -(-len(panels) // rows)  # as even as can be: seven panels are four and three, not six and one
    notes = [_lines(panel.note) for panel in panels]
    below = LABEL_HEIGHT + max(map(len, notes), default=1) * NOTE_HEIGHT
    block = len(details) * TILE + below + GAP
    left = _overview(hr, details, rows * block - below - GAP)
    width = left.width + 2 * GAP + columns * (TILE + GAP)
    sheet = Image.new("RGB", (width, TITLE_HEIGHT + rows * block + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP, GAP), title, fill=INK, font=font(20))
    sheet.paste(left, (GAP, TITLE_HEIGHT))
    for index, panel in enumerate(panels):
        x = left.width + 2 * GAP + index % columns * (TILE + GAP)
        y = TITLE_HEIGHT + index // columns * block
        for row, detail in enumerate(details):
            tile = detail.cut(panel.picture).resize((TILE, TILE), Image.Resampling.NEAREST)
            sheet.paste(tile, (x, y + row * TILE))
            corners = (x, y + row * TILE, x + TILE - 1, y + (row + 1) * TILE - 1)
            draw.rectangle(corners, outline=MARKS[row], width=2)
        bottom = y + len(details) * TILE + 4
        draw.text((x, bottom), _shortened(panel.label), fill=INK, font=font(18))
        for line, text in enumerate(notes[index]):
            draw.text((x, bottom + 21 + line * NOTE_HEIGHT), text, fill=PALE, font=font(NOTE_SIZE))
    return sheet


@dataclass(frozen=True)
class Detail:
    """A square of the HR picture, in pixels from the top left."""

    top: int
    left: int
    side: int

    def cut(self, picture: Tensor) -> Image.Image:
        """The square of a 1×C×H×W picture, one pixel for one pixel."""
        return to_image(picture[..., self.top : self.top + self.side, self.left : self.left + self.side])


def find_details(hr: Tensor) -> list[Detail]:
    """The most detailed square of a picture, and the most detailed one that does not touch it if there is room."""
    height, width = hr.shape[-2:]
    side = max(1, min(height, width, max(32, min(96, min(height, width) // 4))))
    gray = hr.double().mean(dim=1, keepdim=True)
    energy = torch.zeros_like(gray)
    energy[..., :, 1:] += (gray[..., :, 1:] - gray[..., :, :-1]).abs()
    energy[..., 1:, :] += (gray[..., 1:, :] - gray[..., :-1, :]).abs()
    scores = F.avg_pool2d(energy, side, stride=max(1, side // 8))[0, 0]
    step = max(1, side // 8)
    details: list[Detail] = []
    while len(details) < len(MARKS) and float(scores.max()) >= 0:
        row, column = divmod(int(scores.argmax()), scores.shape[1])
        details.append(Detail(row * step, column * step, side))
        reach = -(-side // step) + 1
        scores[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1] = -1
    return details


def to_image(picture: Tensor) -> Image.Image:
    """A 1×C×H×W tensor in [0, 1] as an 8-bit RGB image, clipped."""
    levels = (picture[0].clamp(0, 1) * 255 + 0.5).floor().to("cpu", torch.uint8)
    rgb = levels.expand(3, -1, -1) if levels.shape[0] == 1 else levels[:3]
    return Image.fromarray(np.ascontiguousarray(rgb.permute(1, 2, 0).numpy()))


@lru_cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib: Greek, Cyrillic, Arabic and more, where Pillow's own has Latin."""
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf", size)


def _overview(hr: Tensor, details: Sequence[Detail], height: int) -> Image.Image:
    """The whole picture, `height` pixels high where that is not too wide, its details marked."""
    image = to_image(hr)
    factor = min(height / image.height, 1.6 * height / image.width)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    image = image.resize(size, Image.Resampling.LANCZOS if factor < 1 else Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for detail, colour in zip(details, MARKS, strict=False):
        edges = (detail.left, detail.top, detail.left + detail.side, detail.top + detail.side)
        left, top, right, bottom = (round(edge * factor) for edge in edges)
        draw.rectangle((left - 2, top - 2, right + 2, bottom + 2), outline="white", width=7)  # seen on any ground
        draw.rectangle((left, top, right, bottom), outline=colour, width=3)
    return image


def _shortened(label: str) -> str:
    return label if len(label) <= 26 else f"{label[:25]}…"


def _lines(note: str) -> list[str]:
    """The figures of a note in lines no wider than a tile, where no single one is."""
    lines: list[str] = []
    for figure in note.split(BETWEEN_FIGURES):
        longer = f"{lines[-1]}{BETWEEN_FIGURES}{figure}" if lines else figure
        if lines and font(NOTE_SIZE).getlength(longer) <= TILE:
            lines[-1] = longer
        else:
            lines.append(figure)
    return lines
