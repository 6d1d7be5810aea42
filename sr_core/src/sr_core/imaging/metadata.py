"""What a picture file says beside its pixels and must not lose: ICC profile, EXIF, resolution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sr_core.imaging.exif import Exif, parse_exif
from sr_core.imaging.formats import DPI, EXIF, ICC, PictureFormat

_PROFILE_HEADER_BYTES = 128
_PROFILE_SPACES = {b"GRAY": "gray", b"RGB ": "RGB", b"CMYK": "CMYK", b"Lab ": "Lab"}
_PLANES_OF_SPACE = {"gray": 1, "RGB": 3}
_TRANSPOSING = (5, 6, 7, 8)
_DPI_RANGE = (1, 65535)  # JPEG's


@dataclass(frozen=True)
class Metadata:
    """What a picture file says beside its pixels.

    Attributes:
        icc: the ICC profile that gives the samples their colours.
        exif: EXIF of the upright picture, as in a file, without the letters `Exif` in front; no preview.
        dpi: (horizontal, vertical) pixels an inch.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None


@dataclass(frozen=True)
class Reviewed:
    """Metadata of a file after `review`.

    Attributes:
        metadata: what is sound, of the upright picture.
        orientation: how the picture has to be turned for that, EXIF's 1 … 8.
        remarks: what was left out, each to follow the file's name.
    """

    metadata: Metadata
    orientation: int
    remarks: tuple[str, ...]


def review(found: Metadata, planes: int, orientation: int | None = None) -> Reviewed:
    """Keep what is sound of a file's metadata; damage costs that part and is said, never the picture.

    Args:
        found: as stored in the file.
        planes: colour planes of the picture.
        orientation: where the file says it outside EXIF.
    """
    exif, exif_remarks = _parsed(found.exif)
    if orientation is None:
        orientation = exif.orientation if exif else 1
    transposed = orientation in _TRANSPOSING
    dpi = found.dpi or (exif.dpi if exif else None)
    remarks = list(exif_remarks)
    if dpi is not None and not _is_sensible(dpi):
        dpi = None
        remarks.append("its resolution (DPI) makes no sense and was ignored")
    if fault := _profile_fault(found.icc, planes):
        remarks.append(f"{fault}; it was left out")
    sound = Metadata(
        icc=None if fault else found.icc,
        exif=exif.turned_upright(transposed=transposed).to_bytes() if exif else None,
        dpi=(dpi[1], dpi[0]) if dpi and transposed else dpi,
    )
    return Reviewed(sound, orientation, tuple(remarks))


def fit(
    metadata: Metadata, picture_format: PictureFormat, planes: int, size: tuple[int, int]
) -> tuple[Metadata, tuple[str, ...]]:
    """What of `metadata` a file can take, EXIF's sizes corrected, and remarks on what it cannot.

    Args:
        metadata: of the picture, as `review` or a caller made it.
        picture_format: of the file.
        planes: colour planes in the file.
        size: (height, width) in the file.
    """
    exif, remarks = _parsed(metadata.exif)
    kept = replace(metadata, exif=exif.with_size(*size).to_bytes() if exif else None)
    left_out = list(_left_out(kept, picture_format))
    kept = Metadata(
        icc=None if ICC in left_out else kept.icc,
        exif=None if EXIF in left_out else kept.exif,
        dpi=None if DPI in left_out else kept.dpi,
    )
    if DPI in left_out and kept.exif and exif and exif.dpi:
        left_out.remove(DPI)  # EXIF tells it too
    if left_out:
        remarks = (*remarks, f"{picture_format.name} cannot hold its {' and '.join(left_out)}; left out")
    if fault := _profile_fault(kept.icc, planes):
        kept = replace(kept, icc=None)
        remarks = (*remarks, f"{fault}; it was left out")
    return kept, remarks


def _left_out(metadata: Metadata, picture_format: PictureFormat) -> Iterator[str]:
    if metadata.icc is not None and ICC not in picture_format.metadata:
        yield ICC
    too_long = len(metadata.exif or b"") > picture_format.longest_exif
    if metadata.exif is not None and (EXIF not in picture_format.metadata or too_long):
        yield EXIF
    if metadata.dpi is not None and not (DPI in picture_format.metadata and _is_sensible(metadata.dpi)):
        yield DPI


def _parsed(exif: bytes | None) -> tuple[Exif | None, tuple[str, ...]]:
    if exif is None:
        return None, ()
    try:
        parsed = parse_exif(exif)
    except ValueError:
        return None, ("its EXIF is damaged and was ignored",)
    return parsed, ("its EXIF is damaged in part; the rest was kept",) if parsed.is_damaged else ()


def _is_sensible(dpi: tuple[float, float]) -> bool:
    return all(_DPI_RANGE[0] <= each <= _DPI_RANGE[1] for each in dpi)


def _profile_fault(icc: bytes | None, planes: int) -> str | None:
    """Why a profile cannot go with that many planes, or None."""
    if icc is None:
        return None
    space = profile_space(icc)
    if space is None:
        return "its ICC profile is damaged"
    if _PLANES_OF_SPACE.get(space) != planes:
        pixels = {1: "gray", 3: "RGB"}.get(planes, f"{planes} planes")
        return f"its ICC profile is for {space}, the picture is {pixels}"
    return None


def profile_space(icc: bytes) -> str | None:
    """The colours an ICC profile is for, as `RGB`, `gray` or `CMYK`; None if it is damaged."""
    complete = int.from_bytes(icc[:4], "big") <= len(icc) > _PROFILE_HEADER_BYTES
    if not complete or icc[36:40] != b"acsp":
        return None
    return _PROFILE_SPACES.get(icc[16:20], "another kind of colours")
