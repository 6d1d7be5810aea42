"""What changed between the spec of a run and the spec it is resumed with, said by key."""

from __future__ import annotations

from typing import Any

import pytest

from sr_core.spec.changes import changed_keys

OLD: dict[str, Any] = {
    "name": "espcn-x3",
    "scale": [3],
    "deterministic": False,
    "train": {
        "model": {"name": "espcn", "features": [64, 32]},
        "optimizer": {"name": "adam", "lr": 0.001},
        "steps": 60000,
        "loss": ["mse"],
    },
    "evaluate": {"candidates": [{"name": "bicubic"}, {"name": "ours", "model": "trained"}]},
}


def with_value(path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    """`OLD` with one value replaced or, for `...`, taken out."""

    def changed(item: Any, rest: tuple[str | int, ...]) -> Any:
        if not rest:
            return value
        copy = item.copy()
        if len(rest) == 1 and value is ...:
            del copy[rest[0]]
        else:
            copy[rest[0]] = changed(copy[rest[0]] if rest[1:] else None, rest[1:])
        return copy

    result: dict[str, Any] = changed(OLD, path)
    return result


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("train", "steps"), 1000, "train.steps: 1000, it was 60000"),
        (("train", "optimizer", "lr"), 1e-4, "train.optimizer.lr: 0.0001, it was 0.001"),
        (("train", "ema"), 0.999, "train.ema: 0.999, which was not there"),
        (("train", "optimizer"), ..., 'train.optimizer: gone, it was {"name": "adam", "lr": 0.001}'),
        (("train", "loss"), ["mse", "l1"], 'train.loss: ["mse", "l1"], it was ["mse"]'),
        (("train", "loss", 0), "l1", "train.loss[0]: l1, it was mse"),
        (("train", "model"), "srcnn", 'train.model: srcnn, it was {"name": "espcn", "features": [64, 32]}'),
        (("train", "model", "features", 1), 16, "train.model.features[1]: 16, it was 32"),
        (("evaluate", "candidates", 1, "name"), "mine", "evaluate.candidates[1].name: mine, it was ours"),
        (("evaluate", "candidates", 0), "x" * 99, f'evaluate.candidates[0]: {"x" * 59}…, it was {{"name": "bicubic"}}'),
        (("deterministic",), 0, "deterministic: 0, it was false"),
        (("name",), "größer", "name: größer, it was espcn-x3"),
    ],
)
def test_each_change_is_one_line_with_its_key(path: tuple[str | int, ...], value: object, said: str) -> None:
    assert [str(change) for change in changed_keys(OLD, with_value(path, value))] == [said]


def test_equal_specs_have_no_changes_in_whatever_order_they_are_written() -> None:
    assert changed_keys(OLD, OLD) == []
    assert changed_keys(OLD, dict(reversed(OLD.items()))) == []
    assert changed_keys(OLD, with_value(("scale",), [3.0])) == []


def test_several_changes_come_in_the_order_of_the_file() -> None:
    new = {**with_value(("train", "steps"), 5), "name": "other", "device": "cpu"}
    assert [change.key for change in changed_keys(OLD, new)] == ["name", "train.steps", "device"]
