"""A YAML 1.2 file as plain values, with the line and column of every key and value."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from sr_core.errors import Fault, SpecError

KeyPath = tuple[str | int, ...]

_MOST_VALUES = 100_000
_TAG = "tag:yaml.org,2002:"
_MERGE = _TAG + "merge"


class Document:
    """A spec file after reading: nested dicts, lists and scalars, and where each of them stands.

    Attributes:
        data: the plain values.
        source: how faults name the file.
    """

    def __init__(
        self,
        data: Any,  # noqa: ANN401 - whatever the file holds
        source: str,
        places: Mapping[KeyPath, tuple[int, int]],
        keys: Mapping[KeyPath, tuple[int, int]],
    ) -> None:
        self.data = data
        self.source = source
        self._places = places
        self._keys = keys
        self._overridden: dict[KeyPath, str] = {}

    @classmethod
    def from_text(cls, text: str, source: str) -> Document:
        """Parse `text`.

        Raises:
            SpecError: with a fault for what is not YAML, and one for each duplicate key, tag and key that is not text.
        """
        yaml = YAML(typ="safe", pure=True)
        try:
            root = yaml.compose(text)
        except MarkedYAMLError as error:
            raise SpecError([_syntax_fault(error, text, source)]) from error
        except YAMLError as error:
            reason = str(error).splitlines()[0]
            raise SpecError([Fault("", f"not valid YAML: {reason}", source)]) from error
        except RecursionError as error:
            raise SpecError([Fault("", "nested too deeply", source)]) from error
        reader = _Reader(yaml, source)
        try:
            data = None if root is None else reader.value(root, ())
        except RecursionError as error:
            raise SpecError([Fault("", "nested too deeply", source)]) from error
        if reader.faults:
            raise SpecError(reader.faults)
        return cls(data, source, reader.places, reader.keys)

    @classmethod
    def from_file(cls, path: Path) -> Document:
        """Read and parse a file.

        Raises:
            SpecError: the file is missing, is not UTF-8 text, or is not YAML.
        """
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError as error:
            raise SpecError([Fault("", "no such file", str(path))]) from error
        except IsADirectoryError as error:
            raise SpecError([Fault("", "is a folder; give the spec file in it", str(path))]) from error
        except (OSError, UnicodeDecodeError) as error:
            raise SpecError([Fault("", f"cannot be read as UTF-8 text: {error}", str(path))]) from error
        return cls.from_text(text, str(path))

    def set(self, where: str, text: str) -> None:
        """Override one value, as `--set evaluate.metrics='[psnr]'` and `--set train[1].steps=500` do.

        Raises:
            SpecError: `text` is not YAML, or `where` leads through something that is no mapping or list.
        """
        source = f"--set {where}"
        value = Document.from_text(text, source).data
        dotted = re.sub(r"\[(\d+)\]", r".\1", where)  # faults spell a place in a list so
        path = tuple(int(key) if key.isdecimal() else key for key in dotted.split("."))
        target = self.data
        for key, following in itertools.pairwise(path):
            if isinstance(target, dict) and target.get(str(key)) is None:
                target[str(key)] = [] if isinstance(following, int) else {}
            target = _child(target, key, source)
        if isinstance(target, list) and isinstance(path[-1], int) and path[-1] <= len(target):
            target[path[-1] :] = [value, *target[path[-1] + 1 :]]
        elif isinstance(target, dict):
            target[str(path[-1])] = value
        else:
            raise SpecError([_no_place(target, path[-1], source)])
        self._overridden[path] = source

    def fault(self, path: KeyPath, message: str, *, at_key: bool = False) -> Fault:
        """A fault at `path`, placed at the nearest thing that the file really has (at its key, if so asked)."""
        for overridden, source in reversed(self._overridden.items()):
            below = path[: len(overridden)] == overridden
            made_it = overridden[: len(path)] == path and path not in self._places
            if below or made_it:
                return Fault(spell(path), message, source)
        if at_key and path in self._keys:
            line, column = self._keys[path]
            return Fault(spell(path), message, self.source, line, column)
        known = path
        while known and known not in self._places:
            known = known[:-1]
        line, column = self._places.get(known, (1, 1))
        return Fault(spell(path), message, self.source, line, column)


def spell(path: KeyPath) -> str:
    """A path as one reads it: `evaluate.on[0].hr`."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text


class _Reader:
    """Turns YAML nodes into plain values and notes where they stand; keeps every fault it meets."""

    def __init__(self, yaml: YAML, source: str) -> None:
        self.places: dict[KeyPath, tuple[int, int]] = {}
        self.keys: dict[KeyPath, tuple[int, int]] = {}
        self.faults: list[Fault] = []
        self._yaml = yaml
        self._source = source
        self._open: set[int] = set()
        self._values = 0

    def value(self, node: Node, path: KeyPath) -> Any:  # noqa: ANN401 - whatever the file holds
        self.places.setdefault(path, _place(node))
        self._values += 1
        if self._values > _MOST_VALUES:
            if self._values == _MOST_VALUES + 1:
                self._fault(node, path, f"more than {_MOST_VALUES:,} values; is an alias repeated without end?")
            return None
        if id(node) in self._open:
            self._fault(node, path, "an alias refers to the value it is part of")
            return None
        if isinstance(node, MappingNode | SequenceNode) and str(node.tag) not in (_TAG + "map", _TAG + "seq"):
            self._fault(node, path, f"the tag '{node.tag}' is not used here; write plain values")
        self._open.add(id(node))
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, path)
            if isinstance(node, SequenceNode):
                return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
            return self._scalar(node, path)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                merged.update(self._merged(value_node, path))
                continue
            if not isinstance(key_node, ScalarNode):
                self._fault(key_node, path, "a key must be a plain text")
                continue
            key = str(key_node.value)
            here = (*path, key)
            if key in result:
                line = self.keys[here][0]
                self._fault(key_node, here, f"the key '{key}' stands twice here (first on line {line})")
                continue
            self.keys[here] = _place(key_node)
            result[key] = self.value(value_node, here)
        return merged | result

    def _merged(self, node: Node, path: KeyPath) -> dict[str, Any]:
        bases = node.value if isinstance(node, SequenceNode) else [node]
        result: dict[str, Any] = {}
        for base in reversed(bases):
            found = self.value(base, path)
            if isinstance(found, dict):
                result.update(found)
            else:
                self._fault(base, path, "'<<' merges mappings only")
        return result

    def _scalar(self, node: Node, path: KeyPath) -> Any:  # noqa: ANN401
        tag = str(node.tag)
        if tag in (_TAG + "str", _TAG + "timestamp"):
            return node.value
        if tag not in (_TAG + "null", _TAG + "bool", _TAG + "int", _TAG + "float"):
            self._fault(node, path, f"the tag '{tag}' is not used here; write plain values")
            return None
        try:
            return self._yaml.constructor.construct_object(node)
        except (ValueError, YAMLError):
            self._fault(node, path, f"cannot read '{node.value}'")
            return None

    def _fault(self, node: Node, path: KeyPath, message: str) -> None:
        line, column = _place(node)
        self.faults.append(Fault(spell(path), message, self._source, line, column))


def _place(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _child(target: Any, key: str | int, source: str) -> Any:  # noqa: ANN401 - plain values
    try:
        return target[int(key)] if isinstance(target, list) else target[str(key)]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise SpecError([_no_place(target, key, source)]) from error


def _no_place(target: Any, key: str | int, source: str) -> Fault:  # noqa: ANN401 - plain values
    numbers = f"; this is a list, its items are 0 to {len(target) - 1}" if isinstance(target, list) and target else ""
    return Fault("", f"there is no place '{key}'{numbers}", source)


def _syntax_fault(error: MarkedYAMLError, text: str, source: str) -> Fault:
    mark = error.problem_mark or error.context_mark
    reason = ", ".join(part for part in (error.context, error.problem) if part)
    if mark is None:
        return Fault("", f"not valid YAML: {reason}", source)
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in line[: mark.column + 1]:
        reason = "a tab; YAML is indented with spaces"
    return Fault("", f"not valid YAML: {reason}", source, mark.line + 1, mark.column + 1)
