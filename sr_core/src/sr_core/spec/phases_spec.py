"""`train` of a spec as its phases: one mapping is one phase, a list is several, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, SerializerFunctionWrapHandler, WrapSerializer

from sr_core.file_names import file_name
from sr_core.spec.document import Document, KeyPath
from sr_core.spec.train_spec import TrainSpec
from sr_core.spec.values import one_or_many

_OF_THE_FIRST = ("model", "scale", "weights", "partial_weights")
"""Keys that say with which network training begins: only the first phase has them."""
_ITS_OWN = frozenset({"name", "weights", "partial_weights"})
"""Keys that a phase does not take over from the one before."""


def _with_what_is_needed(value: object) -> object:
    """`model` and `data` are asked of every phase: a later one has the first's, or the one before's."""
    phases = one_or_many(value)
    if not isinstance(phases, list | tuple) or not all(isinstance(phase, dict) for phase in phases):
        return phases
    filled: list[dict[str, Any]] = []
    for phase in phases:
        before = filled[-1] if filled else {}
        filled.append({**{key: before[key] for key in ("model", "data") if key in before}, **phase})
    return filled


def _inherited(phases: tuple[TrainSpec, ...]) -> tuple[TrainSpec, ...]:
    """Each phase with every key it leaves out as in the phase before, and a name where there are several."""
    whole: list[TrainSpec] = []
    for number, phase in enumerate(phases, start=1):
        taken: dict[str, Any] = {}
        if whole:
            _refuse_another_network(whole[0], phase, number)
            left_out = TrainSpec.model_fields.keys() - phase.model_fields_set - _ITS_OWN
            taken = {key: getattr(whole[-1], key) for key in left_out}
        if len(phases) > 1 and phase.name is None:
            taken["name"] = f"phase {number}"
        whole.append(phase.model_copy(update=taken))
    names = [file_name(phase.name).casefold() for phase in whole if phase.name is not None]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"two phases are called '{twice}'; their folders are called so: give one another 'name'")
    return tuple(whole)


def _refuse_another_network(first: TrainSpec, phase: TrainSpec, number: int) -> None:
    for key in _OF_THE_FIRST:
        if key in phase.model_fields_set and getattr(phase, key) not in (getattr(first, key), None, False):
            raise ValueError(
                f"phase {number}: remove '{key}'; all phases train one network, as the first begins with it"
            )


def _as_written(phases: Sequence[TrainSpec], handler: SerializerFunctionWrapHandler) -> Any:  # noqa: ANN401
    written = handler(phases)
    return written[0] if len(phases) == 1 else written or None  # None is left out of a written spec


def place_in_phases(document: Document, index: int, *path: str | int) -> KeyPath:
    """Where the file says what `path` of a phase is: in that phase, or in the one it was taken over from."""
    written = document.data["train"]
    if not isinstance(written, list):
        return ("train", *path)
    given = (i for i in range(index, -1, -1) if path and path[0] in written[i])
    return ("train", next(given, index), *path)


Phases = Annotated[
    tuple[TrainSpec, ...],
    Field(strict=False),
    AfterValidator(_inherited),
    BeforeValidator(_with_what_is_needed),
    WrapSerializer(_as_written),
]
"""The phases of a training; without any, nothing is trained."""
