"""Which low-resolution or finished picture belongs to which HR picture."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from sr_core.errors import DatasetError

_HR_TAIL = re.compile(r"[_\-. ](HR|GT)$", re.IGNORECASE)
"""What a data set may add to its HR names: img_001_SRF_2_HR stands for img_001_SRF_2."""

_CONTINUATION = re.compile(r"[_\-. ]|x\d", re.IGNORECASE)
"""How the name of a counterpart may go on after the HR name: baby_x2, 0801x2, but not img_10 for img_1."""

_NAMES_SHOWN = 5


def pair_by_name(hr: Sequence[Path], others: Sequence[Path], what: str) -> dict[Path, Path]:
    """For each HR picture its counterpart among `others`, told by file names without their suffix.

    A counterpart is named like the HR picture: `baby.png` for `baby.bmp`. Where there is none, its name
    continues that of the HR picture (less a tail `HR` or `GT`) with `_`, `-`, `.`, a space, or `x` and a
    digit: `baby_x2_SR`, `0801x4`, `img_001_SRF_2_LR` for `img_001_SRF_2_HR`. It then belongs to the longest
    HR name that it continues: `img_1_2_x4` to `img_1_2`, not to `img_1`. What belongs to none is ignored.

    Args:
        hr: the HR files.
        others: the files to find counterparts among.
        what: what `others` are, for messages, as `LR pictures of Set5`.

    Raises:
        DatasetError: an HR picture without counterpart or with several, or two HR pictures of one name.
    """
    owners = _hr_by_name(hr)
    equal: defaultdict[Path, list[Path]] = defaultdict(list)
    continued: defaultdict[Path, list[Path]] = defaultdict(list)
    for other in others:
        owner = _owner(other.stem, owners)
        if owner is not None:
            named_alike = other.stem in (owner.stem, _name(owner))
            (equal if named_alike else continued)[owner].append(other)
    found = {picture: equal[picture] or continued[picture] for picture in hr}
    _check_one_each(found, what)
    return {picture: counterparts[0] for picture, counterparts in found.items()}


def _name(hr_picture: Path) -> str:
    return _HR_TAIL.sub("", hr_picture.stem)


def _hr_by_name(hr: Sequence[Path]) -> dict[str, Path]:
    owners: dict[str, Path] = {}
    for picture in hr:
        first = owners.setdefault(_name(picture), picture)
        if first != picture:
            raise DatasetError(
                f"{first} and {picture}: two HR pictures of one name, so nothing can be paired with them"
            )
    return owners


def _owner(stem: str, owners: dict[str, Path]) -> Path | None:
    for end in range(len(stem), 0, -1):
        if stem[:end] in owners and (end == len(stem) or _CONTINUATION.match(stem, end)):
            return owners[stem[:end]]
    return None


def _check_one_each(found: dict[Path, list[Path]], what: str) -> None:
    missing = [picture.name for picture, counterparts in found.items() if not counterparts]
    if missing:
        raise DatasetError(
            f"{what}: no counterpart for {_shortened(missing)}; "
            "it has to be named like its HR picture or to continue that name, as baby_x2.png for baby.png"
        )
    for picture, counterparts in found.items():
        if len(counterparts) > 1:
            names = _shortened([counterpart.name for counterpart in counterparts])
            raise DatasetError(f"{what}: several counterparts for {picture.name}: {names}")


def _shortened(names: Sequence[str]) -> str:
    rest = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
