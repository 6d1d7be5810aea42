"""Pickles read as data: what a pickle would import and call is written down; nothing is ever imported or called.

Python's unpickler is not used, even with all classes replaced by harmless ones: it hashes whatever a file names as a
key, where a deeply nested one ends the interpreter, and it makes as much room as a file says it needs.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from sr_core.errors import SrkitError

_MOST_INSTRUCTIONS = 2_000_000
"""A hundred times what the largest weights file takes; a few hundred megabytes of memory at most."""
_VALUES = frozenset(
    [
        *("NONE", "NEWTRUE", "NEWFALSE", "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT"),
        *("BINFLOAT", "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE"),
        *("BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    ]
)
"""Instructions that put a value on the stack."""
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}


@dataclass(frozen=True, slots=True)
class Global:
    """A class or function that a pickle names; it is not looked up."""

    module: str
    name: str

    def __str__(self) -> str:
        return "".join(sign if sign.isprintable() else "?" for sign in f"{self.module}.{self.name}"[:100])


_ORDERED = Global("collections", "OrderedDict")


@dataclass(slots=True, eq=False)
class Made:
    """An object that a pickle would make.

    Attributes:
        maker: what would be called for it: a `Global`, or whatever else the pickle has there.
        arguments: of that call.
        state: what would be set on it afterwards.
        items: what would be stored in it under texts, as in a dictionary.
    """

    maker: object
    arguments: tuple[object, ...]
    state: object = None
    items: dict[str, object] = field(default_factory=dict)


def read_pickle(stream: BinaryIO, stands_for: Callable[[object], object]) -> object:
    """The object of one pickle; the stream then stands behind it.

    Dictionaries keep what is under texts, sets become lists, and objects of all other classes become `Made`.

    Args:
        stream: stands where the pickle begins.
        stands_for: what a persistent identity means.

    Raises:
        SrkitError: it has instructions that weights have no use for, or far too many.
        ValueError, IndexError, KeyError, TypeError: it is damaged.
    """
    machine = _Machine(stands_for)
    for count, (instruction, argument, _) in enumerate(pickletools.genops(stream)):
        if instruction.name == "STOP":
            return machine.stack.pop()
        if count == _MOST_INSTRUCTIONS:
            raise SrkitError(f"its pickle has more than {count} instructions; save the network's state_dict alone")
        machine.carry_out(instruction.name, argument)
    raise ValueError("its pickle has no end")


class _Machine:
    """The stack and the memory that the instructions of a pickle work on.

    Attributes:
        stack: the innermost one; a mark opens another.
    """

    def __init__(self, stands_for: Callable[[object], object]) -> None:
        self.stack: list[Any] = []
        self._outer: list[list[Any]] = []
        self._memory: dict[int, object] = {}
        self._stands_for = stands_for
        self._copied = 0

    def carry_out(self, name: str, argument: Any) -> None:  # noqa: ANN401 - of any instruction
        """One instruction, with the value that stands in it."""
        if name in _VALUES:
            self.stack.append(_CONSTANTS.get(name, argument))
        elif not self._moved(name, argument) and not self._collected(name) and not self._made(name, argument):
            raise SrkitError(f"its pickle has the instruction {name}, for which weights have no use")

    def _moved(self, name: str, argument: Any) -> bool:  # noqa: ANN401 - as above
        """Whether it was an instruction of the stack and the memory."""
        stack = self.stack
        match name:
            case "PROTO" | "FRAME":
                pass
            case "MARK":
                self._outer.append(stack)
                self.stack = []
            case "POP" if not stack:
                self._since_mark()
            case "POP":
                stack.pop()
            case "POP_MARK":
                self._since_mark()
            case "DUP":
                stack.append(stack[-1])
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                if argument > _MOST_INSTRUCTIONS:
                    raise ValueError("a place in its memory that cannot be")
                self._memory[argument] = stack[-1]
            case "MEMOIZE":
                self._memory[len(self._memory)] = stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                stack.append(self._memory[argument])
            case _:
                return False
        return True

    def _collected(self, name: str) -> bool:
        """Whether it was an instruction of tuples, lists, sets and dictionaries."""
        match name:
            case "EMPTY_TUPLE":
                self.stack.append(())
            case "EMPTY_LIST" | "EMPTY_SET":
                self.stack.append([])
            case "EMPTY_DICT":
                self.stack.append({})
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                self.stack.append(tuple(self._popped(int(name[-1]))))
            case "TUPLE":
                values = self._since_mark()
                self.stack.append(tuple(values))
            case "LIST" | "FROZENSET":
                values = self._since_mark()
                self.stack.append(values)
            case "DICT":
                values = self._since_mark()
                self.stack.append({})
                self._store(values)
            case "APPEND":
                self._append(self._popped(1))
            case "APPENDS" | "ADDITEMS":
                self._append(self._since_mark())
            case "SETITEM":
                self._store(self._popped(2))
            case "SETITEMS":
                self._store(self._since_mark())
            case _:
                return False
        return True

    def _made(self, name: str, argument: Any) -> bool:  # noqa: ANN401 - as above
        """Whether it was an instruction that names or makes an object; this is all that becomes of it."""
        match name:
            case "GLOBAL":
                self.stack.append(Global(*argument.split(" ", 1)))
            case "STACK_GLOBAL":
                module, qualified = self._popped(2)
                if not isinstance(module, str) or not isinstance(qualified, str):
                    raise TypeError("its pickle names a class by what is no text")
                self.stack.append(Global(module, qualified))
            case "REDUCE" | "NEWOBJ":
                maker, arguments = self._popped(2)
                self.stack.append(self._object(maker, arguments))
            case "NEWOBJ_EX":
                maker, arguments, _ = self._popped(3)
                self.stack.append(self._object(maker, arguments))
            case "INST":
                arguments = self._since_mark()
                self.stack.append(self._object(Global(*argument.split(" ", 1)), tuple(arguments)))
            case "OBJ":
                maker, *arguments = self._since_mark()
                self.stack.append(self._object(maker, tuple(arguments)))
            case "BUILD":
                (state,) = self._popped(1)
                if isinstance(self.stack[-1], Made):
                    self.stack[-1].state = state
            case "PERSID":
                self.stack.append(self._stands_for(argument))
            case "BINPERSID":
                self.stack.append(self._stands_for(self.stack.pop()))
            case _:
                return False
        return True

    def _object(self, maker: object, arguments: object) -> object:
        """What stands for the object: a dictionary for an ordered one, else what it would be made of."""
        if not isinstance(arguments, tuple):
            raise TypeError("its pickle makes an object of what are no arguments")
        if maker != _ORDERED:
            return Made(maker, arguments)
        pairs = arguments[0] if arguments else []
        self._copied += len(pairs)  # one list, made into dictionaries again and again, would fill the memory
        if self._copied > _MOST_INSTRUCTIONS:
            raise ValueError("its pickle has too many dictionaries")
        return _under_texts(pairs)

    def _popped(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise ValueError("its pickle takes more than there is")
        values = self.stack[-count:]
        del self.stack[-count:]
        return values

    def _since_mark(self) -> list[Any]:
        values, self.stack = self.stack, self._outer.pop()
        return values

    def _append(self, values: list[Any]) -> None:
        holder = self.stack[-1]
        if isinstance(holder, list):
            holder.extend(values)
        elif not isinstance(holder, Made):  # whose list is of no interest
            raise TypeError("its pickle appends to what is no list")

    def _store(self, values: list[Any]) -> None:
        holder = self.stack[-1]
        items = holder.items if isinstance(holder, Made) else holder
        if not isinstance(items, dict):
            raise TypeError("its pickle stores in what is no dictionary")
        items.update(_under_texts(zip(values[::2], values[1::2], strict=True)))


def _under_texts(pairs: Any) -> dict[str, object]:  # noqa: ANN401 - as above
    """What is stored under texts; only those are hashed."""
    return {key: value for key, value in pairs if isinstance(key, str)}
