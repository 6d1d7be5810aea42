"""pydantic's findings in plain words: where, what was expected, what was found, and the nearest valid name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from pydantic_core import ErrorDetails

Path = tuple[str | int, ...]

_KINDS_OF_VALUE = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "finite_number": "a finite number",
    "none_required": "nothing (null)",
}


def explain(details: ErrorDetails, known_keys: Sequence[str] = ()) -> tuple[Path, str]:
    """One finding as (path of keys and indices, message).

    Args:
        details: one of `ValidationError.errors()`.
        known_keys: what may stand where an unknown key was found, for "did you mean".
    """
    path: Path = details["loc"]
    kind = details["type"]
    if kind == "missing":
        return path[:-1], f"'{path[-1]}' is missing"
    if kind == "extra_forbidden":
        return path, unknown_key(str(path[-1]), known_keys)
    if kind == "string_pattern_mismatch":
        return path, f"{_shown(details['input'])} is not of the form {_plain_pattern(details)}"
    if kind == "too_short":
        return path, "expected at least one"
    if kind in ("value_error", "assertion_error"):
        return path, details["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    expected = _KINDS_OF_VALUE.get(kind)
    if expected is None:
        message = details["msg"]
        return path, f"{message[:1].lower()}{message[1:]}, found {_shown(details['input'])}"
    return path, f"expected {expected}, found {_shown(details['input'])}"


def _plain_pattern(details: ErrorDetails) -> str:
    """A pattern as one would write an example of it: the few that specs have are short."""
    pattern = str(details.get("ctx", {}).get("pattern", ""))
    return "'scale' or 'scale+6'" if pattern.startswith("^scale") else f"'{pattern}'"


def unknown_key(key: str, known_keys: Sequence[str]) -> str:
    """What to say of a key that is not known, with the nearest one that is."""
    if not known_keys:
        return f"unknown key '{key}'; nothing can be set here"
    near = difflib.get_close_matches(key, known_keys, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(known_keys)}"
    return f"unknown key '{key}'; {hint}"


def _shown(value: object) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
