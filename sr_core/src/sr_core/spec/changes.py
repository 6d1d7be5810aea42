"""What differs between two specs: a run that is resumed must be told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sr_core.spec.document import KeyPath, spell

_SHOWN_LENGTH = 60

ABSENT: Any = object()
"""Stands for the value of a key that a spec does not have."""


@dataclass(frozen=True)
class Change:
    """One key whose value is another.

    Attributes:
        key: as one writes it, `train.optimizer.lr`.
        old: plain value, or `ABSENT`.
        new: likewise.
    """

    key: str
    old: Any
    new: Any

    def __str__(self) -> str:
        if self.old is ABSENT:
            return f"{self.key}: {_shown(self.new)}, which was not there"
        if self.new is ABSENT:
            return f"{self.key}: gone, it was {_shown(self.old)}"
        return f"{self.key}: {_shown(self.new)}, it was {_shown(self.old)}"


def changed_keys(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Every key whose value differs, in the order of `old`, then of `new`.

    Lists of one length are compared item by item, others as a whole. 3 and 3.0 are equal.

    Args:
        old: a resolved spec as plain values, as `spec.yaml` has it.
        new: another.

    >>> [str(change) for change in changed_keys({"train": {"steps": 10}}, {"train": {"steps": 20}})]
    ['train.steps: 20, it was 10']
    """
    return list(_changes((), old, new))


def _changes(path: KeyPath, old: Any, new: Any) -> Iterator[Change]:  # noqa: ANN401 - plain values
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in {**old, **new}:
            yield from _changes((*path, key), old.get(key, ABSENT), new.get(key, ABSENT))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, pair in enumerate(zip(old, new, strict=True)):
            yield from _changes((*path, index), *pair)
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        yield Change(spell(path), old, new)


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN_LENGTH else f"{text[: _SHOWN_LENGTH - 1]}…"
