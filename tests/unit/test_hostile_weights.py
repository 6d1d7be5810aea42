"""Weights files made to do harm, and damaged ones: nothing in them runs, and each ends in one plain message."""

from __future__ import annotations

import contextlib
import copyreg
import io
import os
import pickle
import random
import resource
import struct
import subprocess
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import torch
from torch import nn

from sr_core.checkpoint import read_weights
from sr_core.errors import SrkitError
from sr_core.published import mat_files
from sr_core.published import pickled as pickled_module
from tests.unit.forged_weights import (
    SIX,
    Call,
    Instructions,
    Named,
    Persistent,
    archived,
    element,
    in_a_row,
    instructions,
    mat,
    matrix,
    module,
    pickled,
    storage,
    tensor,
)

MARKER = Path(tempfile.gettempdir()) / f"srkit-hostile-weights-{os.getpid()}"
TOUCH = f"touch {MARKER}"
ORDERED = Named("collections", "OrderedDict")


@pytest.fixture(autouse=True)
def nothing_runs() -> Iterator[None]:
    """Whatever a test reads, the marker is not there afterwards, and memory has not grown by more than 400 MB."""
    MARKER.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # else the peak of an earlier test would hide this one's
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert not MARKER.exists()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400 * 1024


def refused(content: bytes, folder: Path) -> str:
    """What srkit says of a file with these bytes."""
    path = folder / "w.pth"
    path.write_bytes(content)
    with pytest.raises(SrkitError) as caught:
        read_weights(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    assert said.isprintable()
    assert len(said) < 1000
    return said


class _OfMethods:
    """Everything that a pickle may call on an object, each of which would leave the marker."""

    def __setstate__(self, *_: object) -> None:
        MARKER.touch()

    append = extend = __setitem__ = __setstate__


class _OfCreation:
    def __new__(cls, *_: object, **__: object) -> object:
        MARKER.touch()
        return object()


CODE = f"__import__('pathlib').Path({str(MARKER)!r}).touch()"
RUNNING: dict[str, Any] = {
    "a call of the system": Call(Named("os", "system"), (TOUCH,)),
    "of its other name": Call(Named("posix", "system"), (TOUCH,)),
    "an expression": Call(Named("builtins", "eval"), (CODE,)),
    "of Python 2": Call(Named("__builtin__", "eval"), (CODE,)),
    "a program": Call(Named("builtins", "exec"), (CODE,)),
    "a process": Call(Named("subprocess", "Popen"), (["touch", str(MARKER)],)),
    "a new object": Instructions(instructions(Named(__name__, "_OfCreation")) + b")\x81"),
    "one with keywords": Instructions(instructions(Named(__name__, "_OfCreation")) + b")}\x92"),
    "an instance": Instructions(b"(" + instructions(TOUCH) + b"ios\nsystem\n"),
    "an instance of the stack": Instructions(b"(cos\nsystem\n" + instructions(TOUCH) + b"o"),
    "a name on the stack": Instructions(b"\x8c\x02os\x8c\x06system\x93" + instructions((TOUCH,)) + b"R"),
    "a name with dots": Instructions(b"\x80\x04\x8c\x02os\x8c\x0epath.os.system\x93" + instructions((TOUCH,)) + b"R"),
    "an attribute": Call(Call(Named("builtins", "getattr"), (Named("os", "system"), "__call__")), (TOUCH,)),
    "a state": Call(Named(__name__, "_OfMethods"), (), {"a": 1}),
    "an element": Instructions(instructions(Call(Named(__name__, "_OfMethods"))) + b"Na"),
    "elements": Instructions(instructions(Call(Named(__name__, "_OfMethods"))) + b"(Ne"),
    "an item": Instructions(instructions(Call(Named(__name__, "_OfMethods"))) + b"NNs"),
    "an extension": Instructions(b"\x82\xfa" + instructions((CODE,)) + b"R"),
    "a long extension": Instructions(b"\x84\xfa\x00\x00\x00" + instructions((CODE,)) + b"R"),
}
CALLING: dict[str, Any] = {
    **RUNNING,
    "a known function": Call(Named("torch.hub", "load_state_dict_from_url"), ("http://127.0.0.1:9/w.pth",)),
    "a function of PyTorch's": Call(Named("torch.serialization", "load"), (str(MARKER),)),
    "numpy's own": Call(Named("numpy", "load"), (str(MARKER),)),
    "a name that is no text": Instructions(b"NN\x93" + instructions((TOUCH,)) + b"R"),
}
PLACES: dict[str, Callable[[Any], Any]] = {
    "all": lambda trap: trap,
    "in a list": lambda trap: {"params": [trap]},
    "under a key": lambda trap: {"params": trap},
    "a tensor's place": lambda trap: {"params": {"a": Call(Named("torch._utils", "_rebuild_parameter"), (trap,))}},
    "a tensor's storage": lambda trap: {"a": tensor(trap)},
    "a tensor's size": lambda trap: {"a": tensor(size=trap)},
    "a storage's key": lambda trap: {"a": tensor(storage(trap))},
    "a persistent identity": lambda trap: {"a": Persistent(trap)},
    "a part of a module": lambda trap: module({"a": trap}, {"b": trap}),
}


@pytest.fixture
def extension() -> Iterator[None]:
    """A short name that this process knows, and has used."""
    copyreg.add_extension("builtins", "eval", 0xFA)
    assert pickle.loads(b"\x80\x02\x82\xfa.") is eval  # noqa: S301
    yield
    copyreg.remove_extension("builtins", "eval", 0xFA)
    copyreg.clear_extension_cache()


@pytest.mark.usefixtures("extension")
@pytest.mark.parametrize("trap", RUNNING)
def test_python_itself_would_run_it(trap: str) -> None:
    made = pickle.loads(pickled(RUNNING[trap]))  # noqa: S301
    if isinstance(made, subprocess.Popen):
        made.wait()
    assert MARKER.exists()
    MARKER.unlink()


@pytest.mark.usefixtures("extension")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("trap", CALLING)
def test_nothing_that_a_pickle_calls_is_called(trap: str, place: str, tmp_path: Path) -> None:
    content = PLACES[place](CALLING[trap])
    for wrapped in (archived(content, {"0": SIX}), in_a_row(content, {"0": SIX}), pickled(content)):
        refused(wrapped, tmp_path)


@pytest.mark.parametrize("trap", [name for name in CALLING if "extension" not in name and "no text" not in name])
def test_beside_tensors_it_is_not_called_either(trap: str, tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    weights = {"a": tensor(), "b": CALLING[trap]}
    path.write_bytes(archived({"epoch": CALLING[trap], "params": weights, "optimizer": CALLING[trap]}, {"0": SIX}))
    assert list(read_weights(path).tensors) == ["a"]


def test_what_a_pickle_would_call_is_named_and_what_to_do_is_said(tmp_path: Path) -> None:
    trap = Call(Named("os", "system"), (TOUCH,))
    said = refused(archived(trap), tmp_path)
    assert "made by calling os.system, which was not done; save its state_dict with torch.save" in said
    said = refused(pickled(trap), tmp_path)
    assert "is a pickle that torch.save did not write (it would call os.system). Such a file can run code" in said
    assert "so it was not; where you trust it, save the network's state_dict with torch.save" in said
    said = refused(archived(Call(Named("os\x1b[31m", "sys" * 100))), tmp_path)
    assert "made by calling os?[31m.syssys" in said


DEEP = b")" + b"\x85" * 160_000 + b"q\x00"
"""A tuple in tuples, which Python cannot hash without its stack running over; and where it is kept."""
OVERFLOWING: dict[str, bytes] = {
    "a deep tuple as key, element, argument and name": DEEP
    + b"0}h\x00Ns0}(h\x00Nu0\x8f(h\x00\x900(h\x00\x910h\x00NR0Nh\x00R0h\x00\x8c\x01a\x93",
    "deep lists": b"]" * 20_000 + b"a" * 19_999,
    "deep calls": b"cos\nsystem\n" + b")R" * 20_000,
    "deep states": b"cos\nsystem\n)R" * 3000 + b"b" * 2999,
    "deep parameters": b"}"
    + instructions("a")
    + b"ctorch._utils\n_rebuild_parameter\n" * 3000
    + b")R"
    + b"\x85R" * 2999
    + b"s",
    "doubled tuples": b")" + b"2\x86" * 1000,
    "a doubled name": b")" + b"2\x86" * 1000 + b"2\x93",
    "doubled dictionaries": b"}q\x000" + b"}(X\x01\0\0\0ah\x00X\x01\0\0\0bh\x00uq\x000" * 200 + b"h\x00",
    "a dictionary in itself": b"}q\x00" + instructions("params") + b"h\x00s",
    "a list of itself": b"]q\x00h\x00a",
    "a far place in memory": b"Nr\xff\xff\xff\x7f",
    "a place before all": b"Np-1\n",
    "a place that was not filled": b"h\x07",
    "places that collide": b"".join(b"Np%d\n" % (index * (2**61 - 1)) for index in range(2000)),
    "much room for bytes": b"\x96" + struct.pack("<Q", 2**40),
    "much room for text": b"\x8d" + struct.pack("<Q", 2**40),
    "much room for a number": b"\x8b" + struct.pack("<i", 2**31 - 1),
    "a number of many digits": b"I" + b"9" * 100_000 + b"\n",
    "a negative length": b"T" + struct.pack("<i", -5),
    "a large frame": b"\x95" + struct.pack("<Q", 2**60) + b"N",
    "nothing on the stack": b"0000",
    "nothing to take": b"\x85",
    "marks without an end": b"(" * 20_000,
    "half a pair": b"}(Nu",
    "stored in a list": b"]NNs",
    "appended to a dictionary": b"}Na",
    "one list as many dictionaries": b"]("
    + instructions(("a", 1)) * 3000
    + b"e\x85q\x000ccollections\nOrderedDict\nq\x010"
    + b"h\x01h\x00R0" * 3000,
    "an unknown instruction": b"\xff",
    "a buffer from elsewhere": b"\x97",
    "a class without a name": b"cos\n\n",
}


@pytest.mark.parametrize("trap", OVERFLOWING)
def test_no_pickle_ends_the_interpreter_or_fills_the_memory(trap: str, tmp_path: Path) -> None:
    refused(archived(Instructions(OVERFLOWING[trap])), tmp_path)


def test_a_pickle_of_too_many_instructions_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickled_module, "_MOST_INSTRUCTIONS", 1000)
    assert "has more than 1000 instructions" in refused(archived(Instructions(b"N0" * 600 + b"N")), tmp_path)


def tree(levels: int, name: str = "m") -> Any:
    """Modules each of which holds the one below it twice: 2^levels of them in all, in a small file."""
    made = instructions(module({"w": tensor()}))
    for level in range(levels):
        kept = b"q" + bytes([level]) + b"0"
        twice = Instructions(b"h" + bytes([level]))
        made += kept + instructions(module({}, {f"{name}1": twice, f"{name}2": twice}))
    return Instructions(made)


def test_modules_in_modules_are_counted(tmp_path: Path) -> None:
    small = tmp_path / "small.pth"
    small.write_bytes(archived(tree(3), {"0": SIX}))
    assert len(read_weights(small).tensors) == 8
    for levels, name in ((40, "m"), (200, "m"), (40, "m" * 500)):
        assert "holds a module with more in it than srkit reads" in refused(archived(tree(levels, name)), tmp_path)


def of_many_parts(parameter: Any, unsaved: Any = None, count: int = 20_000) -> Any:
    """A module that holds one other `count` times, under as many names; the first things it names are shared."""
    inner = module({parameter: tensor()}, _non_persistent_buffers_set=unsaved)
    kept = Instructions(instructions(inner) + b"q\x000")
    twice = Instructions(b"h\x00")
    outer = instructions(module({}, {str(index): twice for index in range(count)}))
    return Instructions(kept.code + outer)


@pytest.mark.parametrize(
    ("parameter", "unsaved"),
    [("w", ["w"] * 20_000), ("w", Call(Named("builtins", "set"), (["w"] * 20_000,))), ("w" * 100_000, [])],
)
def test_what_many_modules_share_is_not_read_again_for_each(parameter: str, unsaved: Any, tmp_path: Path) -> None:
    content = archived(of_many_parts(parameter, unsaved), {"0": SIX})
    started = time.process_time()
    assert "holds a module with more in it than srkit reads" in refused(content, tmp_path)
    assert time.process_time() - started < 5


def test_what_many_tensors_share_is_not_copied_for_each(tmp_path: Path) -> None:
    arguments = (storage(), 0, (2, 3), (3, 1), *[None] * 200_000)
    first = instructions(Named("torch._utils", "_rebuild_tensor_v2")) + b"q\x00" + instructions(arguments) + b"q\x01R"
    more = b"".join(instructions(f"w{index}") + b"h\x00h\x01R" for index in range(20_000))
    (tmp_path / "w.pth").write_bytes(
        archived(Instructions(b"}(" + instructions("a") + first + more + b"u"), {"0": SIX})
    )
    started = time.process_time()
    assert len(read_weights(tmp_path / "w.pth").tensors) == 20_001
    assert time.process_time() - started < 5


WRONG_TENSORS: dict[str, Any] = {
    "beyond its storage": tensor(size=(2, 4), stride=(4, 1)),
    "far beyond": tensor(size=(2**40,), stride=(1,)),
    "behind its storage": tensor(offset=1),
    "before its storage": tensor(offset=-1),
    "of a negative size": tensor(size=(-2, -3)),
    "of negative strides": tensor(stride=(-3, -1)),
    "of strides beyond all": tensor(stride=(2**70, 1)),
    "of a size beyond all": tensor(size=(2**80, 1)),
    "spread far": tensor(size=(2**40, 2**40), stride=(0, 0)),
    "larger than the file": tensor(size=(10_000, 6), stride=(0, 1)),
    "of many axes": tensor(size=(1,) * 9, stride=(1,) * 9),
    "of many axes, and empty": tensor(size=(0,) * 300_000, stride=(0,) * 300_000),
    "of many strides": tensor(size=(1,), stride=(1,) * 300_000),
    "without strides": tensor(stride=()),
    "of no numbers": tensor(size="ab"),
    "of a true size": tensor(size=(True, True)),
    "of a storage that is short": tensor(storage(count=7)),
    "of a storage of wider numbers": tensor(storage(kind="DoubleStorage")),
    "of a storage far too long": tensor(storage(count=2**62)),
    "of a negative storage": tensor(storage(count=-6)),
    "of a storage that is not there": tensor(storage("1")),
    "of a storage elsewhere": tensor(storage("../../../../etc/passwd")),
    "of a storage of another kind": tensor(storage(kind="OpaqueStorage")),
    "of a part outside": tensor(storage("0", 6, "FloatStorage", ("1", 4, 6))),
    "of a part before": tensor(storage("0", 6, "FloatStorage", ("1", -1, 6))),
    "of no storage": tensor("text"),
    "of a class that is none": Call(Named("torch", "FloatTensor"), (), "text"),
    "of too little": Call(Named("torch._utils", "_rebuild_tensor_v2"), (storage(),)),
    "of nothing": Call(Named("torch._utils", "_rebuild_parameter"), ()),
    "made of a class": Call(Named("torch._tensor", "_rebuild_from_type_v2"), (Named("os", "system"), 1, (TOUCH,), {})),
    "of another kind": Call(Named("torch._utils", "_rebuild_wrapper_subclass"), (Named("os", "system"),)),
}


@pytest.mark.parametrize("wrap", [archived, in_a_row])
@pytest.mark.parametrize("name", WRONG_TENSORS)
def test_a_tensor_stays_inside_what_is_in_the_file(name: str, wrap: Callable[..., bytes], tmp_path: Path) -> None:
    refused(wrap({"good": tensor(), "a": WRONG_TENSORS[name]}, {"0": SIX}), tmp_path)


def test_no_tensor_of_a_row_of_pickles_is_longer_than_the_rest_of_the_file(tmp_path: Path) -> None:
    whole = in_a_row({"a": tensor()}, {"0": SIX})
    assert "is damaged" in refused(whole[:-1], tmp_path)
    longer = whole[: -len(SIX) - 8] + struct.pack("<Q", 2**61) + SIX
    assert "is damaged; fetch or copy it again" in refused(longer, tmp_path)
    for keys in ([7], [Instructions(DEEP)], {"0": 1}, ["1"]):
        head = whole.rindex(b"\x80\x02")
        refused(whole[:head] + pickled(keys) + whole[-len(SIX) - 8 :], tmp_path)


def zipped(**entries: tuple[bytes, int]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, (content, compression) in entries.items():
            archive.writestr(f"a/{name.replace('_', '.')}", content, compression)
    return buffer.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_that_unpacks_to_much_is_not_unpacked(method: int, tmp_path: Path) -> None:
    content = zipped(data_pkl=(pickled({"a": 1}) + bytes(3_000_000), method))
    assert len(content) < 100_000
    assert "is a compressed archive" in refused(content, tmp_path)


def test_an_archive_that_says_more_than_it_holds_is_damaged(tmp_path: Path) -> None:
    whole = archived({"a": tensor()}, {"0": SIX})
    directory = whole.rindex(b"PK\x01\x02")
    for field in (20, 24):
        broken = bytearray(whole)
        broken[directory + field : directory + field + 4] = struct.pack("<I", 2**31)
        assert "is damaged" in refused(bytes(broken), tmp_path)
    overlapping = bytearray(whole)
    first = whole.index(b"PK\x01\x02")
    overlapping[directory + 42 : directory + 46] = whole[first + 42 : first + 46]
    assert "is damaged" in refused(bytes(overlapping), tmp_path)


# MATLAB's files


def number(value: float = 1.0) -> bytes:
    return matrix(6, (1, 1), element(9, struct.pack("<d", value)))


def net(value: bytes, name: bytes = b"net") -> bytes:
    """A structure whose field `weight` holds a cell with `value`."""
    return matrix(2, (1, 1), element(5, struct.pack("<i", 8)) + element(1, b"weight\0\0") + value, name)


def nested(depth: int) -> bytes:
    """Cells in cells, which say truly how long they are."""
    made = number()
    for _ in range(depth):
        made = matrix(1, (1, 1), made)
    return made


def endless(depth: int) -> bytes:
    """Cells in cells, each of which says that it is as long as the last."""
    opened = matrix(1, (1, 1), b"")[8:]
    return (struct.pack("<II", 14, len(opened) + 8) + opened) * depth


def packed(content: bytes) -> bytes:
    """The same in little room."""
    made = zlib.compress(content, 9)
    return struct.pack("<II", 15, len(made)) + made


MANY = 60_000_000
WRONG_MATLAB: dict[str, bytes] = {
    "an array of empty parts": mat(packed(struct.pack("<II", 14, MANY) + bytes(MANY))),
    "a cell of empty arrays": mat(packed(matrix(1, (1, MANY // 8), struct.pack("<II", 14, 0) * (MANY // 8)))),
    "axes without end": mat(
        packed(element(14, element(6, bytes(8)) + element(5, b"\xff\xff\xff\x70" * (MANY // 4)) + element(1, b"")))
    ),
    "fields of one letter": mat(packed(matrix(2, (0, 0), element(5, struct.pack("<i", 1)) + element(1, bytes(MANY))))),
    "bytes as wide numbers": mat(packed(matrix(6, (1, MANY), element(2, bytes(MANY))))),
    "deep cells": mat(net(nested(1000))),
    "endless cells": mat(endless(100_000)),
    "many elements": mat(net(matrix(1, (2**31 - 1, 2**31 - 1), number()))),
    "structures of nothing": mat(matrix(2, (2**31 - 1, 1), element(5, struct.pack("<i", 8)) + element(1, b""), b"net")),
    "fields of no length": mat(matrix(2, (1, 1), element(5, struct.pack("<i", 0)) + element(1, b"weight"), b"net")),
    "fields of negative length": mat(
        matrix(2, (1, 1), element(5, struct.pack("<i", -1)) + element(1, b"weight"), b"n")
    ),
    "a negative size": mat(net(matrix(1, (1, 1), matrix(7, (-3, -3), element(7, bytes(36)))))),
    "too few numbers": mat(net(matrix(1, (1, 1), matrix(7, (3, 3), element(7, bytes(32)))))),
    "many axes": mat(net(matrix(1, (1, 1), matrix(7, (1,) * 100, element(7, bytes(4)))))),
    "numbers of no type": mat(net(matrix(1, (1, 1), matrix(7, (1, 1), element(99, bytes(4)))))),
    "longer than the file": mat(struct.pack("<II", 14, 2**31) + bytes(40)),
    "a long short part": mat(struct.pack("<I", 0xFFFF000E) + bytes(40)),
    "packed badly": mat(struct.pack("<II", 15, 20) + bytes(20)),
    "packed in itself": mat(struct.pack("<II", 15, 40) + zlib.compress(struct.pack("<II", 15, 4) + bytes(4)).ljust(40)),
    "no order of bytes": mat(number(), order=b"XX"),
    "nothing": mat(),
    "only a beginning": b"MATLAB 5.0",
}


@pytest.mark.parametrize("name", WRONG_MATLAB)
def test_no_file_of_matlab_ends_the_interpreter(name: str, tmp_path: Path) -> None:
    refused(WRONG_MATLAB[name], tmp_path)


def test_the_forged_files_of_matlab_are_true_but_for_what_is_wrong_in_them(tmp_path: Path) -> None:
    (tmp_path / "w.mat").write_bytes(mat(net(matrix(1, (1, 1), number(2.5)))))
    assert read_weights(tmp_path / "w.mat").tensors == {"weight.0": torch.tensor([2.5], dtype=torch.float64)}
    assert scipy.io.loadmat(tmp_path / "w.mat")["net"]["weight"][0, 0][0, 0] == 2.5


def test_files_of_large_ends_first_are_read(tmp_path: Path) -> None:
    def part(kind: int, content: bytes) -> bytes:
        return struct.pack(">II", kind, len(content)) + content + b"\0" * (-len(content) % 8)

    def array(of_class: int, content: bytes, name: bytes = b"") -> bytes:
        head = part(6, struct.pack(">II", of_class, 0)) + part(5, struct.pack(">ii", 1, 1)) + part(1, name)
        return part(14, head + content)

    inner = array(1, array(6, part(9, struct.pack(">d", 2.5))))
    fields = part(5, struct.pack(">i", 8)) + part(1, b"weight\0\0")
    (tmp_path / "w.mat").write_bytes(mat(array(2, fields + inner, b"net"), order=b"MI"))
    assert read_weights(tmp_path / "w.mat").tensors == {"weight.0": torch.tensor([2.5], dtype=torch.float64)}


def test_a_file_of_matlab_that_unpacks_to_much_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mat_files, "_SMALL_FILE", 1_000_000)
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, {"zeros": np.zeros((1000, 2000), np.uint8)}, do_compression=True)
    assert "unpacks to far more than a network's weights do" in refused(buffer.getvalue(), tmp_path)


# Damage of every kind


def valid_files() -> list[bytes]:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    made = []
    for content in (network.state_dict(), {"epoch": 1, "model": network.state_dict()}):
        for is_archive in (True, False):
            buffer = io.BytesIO()
            torch.save(content, buffer, _use_new_zipfile_serialization=is_archive)
            made.append(buffer.getvalue())
    held = np.empty((1, 2), object)
    held[0, 0], held[0, 1] = np.random.default_rng(0).normal(size=(3, 3, 2, 4)), np.ones((4, 1), np.float32)
    layers = np.empty((1, 1), object)
    layers[0, 0] = {"type": "conv", "weights": held}
    for compressed in (True, False):
        buffer = io.BytesIO()
        scipy.io.savemat(buffer, {"net": {"layers": layers}}, do_compression=compressed)
        made.append(buffer.getvalue())
    return [*made, archived(module({"a": tensor()}), {"0": SIX}), in_a_row({"a": tensor()}, {"0": SIX})]


BITES = [
    b"\xff\xff\xff\x7f",
    b"\xff\xff\xff\xff",
    b"\0\0\0\0",
    b"\x0e\0\0\0",
    b"\x01\0\0\0",
    b"\x85",
    b"R",
    b"b",
    b"}",
    b"",
]


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_file_is_read_or_refused_in_one_line(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    path, files = tmp_path / "w.pth", valid_files()
    for _ in range(250):
        content = bytearray(chance.choice(files))
        for _ in range(chance.choice((1, 1, 2, 4))):
            start, bite = (
                chance.randrange(len(content)),
                chance.choice([*BITES, chance.randbytes(4), chance.randbytes(1)]),
            )
            content[start : start + chance.choice((1, len(bite), 8))] = bite
        path.write_bytes(content)
        try:
            tensors = read_weights(path).tensors
        except SrkitError as error:
            assert str(error).startswith(f"{path}: ")
            assert "\n" not in str(error)
        else:
            assert sum(tensor.numel() for tensor in tensors.values()) < 10 * len(content)
