"""What made some weights, without a path of the machine that it ran on: equal weights are to be equal files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def without_paths(resolved: Mapping[str, Any]) -> dict[str, Any]:
    """What made the weights, of a resolved spec, with names for paths, so that equal weights are equal files."""
    left_out = {"validate", "checkpoint", "log", "tensorboard"}
    phases = resolved["train"] if isinstance(resolved["train"], list) else [resolved["train"]]
    shown = [{key: value for key, value in phase.items() if key not in left_out} for phase in phases]
    train = shown if len(shown) > 1 else shown[0]
    kept = {key: resolved[key] for key in ("name", "scale", "seed", "degradation", "precision") if key in resolved}
    named: dict[str, Any] = _named({**kept, "train": train})
    return named


def _named(value: Any) -> Any:  # noqa: ANN401 - plain values
    """The value with every absolute path in it replaced by its last part."""
    if isinstance(value, str):
        return Path(value).name if Path(value).is_absolute() else value
    if isinstance(value, Mapping):
        return {key: _named(item) for key, item in value.items()}
    return [_named(item) for item in value] if isinstance(value, list) else value
