"""Weights as others publish them: PyTorch's files of every age, wrapped as programs wrap them, and MatConvNet's."""

from __future__ import annotations

import io
import logging
import sys
import types
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core.checkpoint import Weights, read_weights
from sr_core.errors import SrkitError
from sr_core.published.layouts import plain_names
from sr_core.published.matconvnet import read_matconvnet
from tests.unit.forged_weights import (
    SIX,
    Call,
    Instructions,
    Named,
    Persistent,
    archived,
    element,
    in_a_row,
    mat,
    matrix,
    module,
    storage,
    tensor,
)

Read = Callable[[Any], Mapping[str, Tensor]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """What srkit reads of a file with these bytes, or of what torch.save makes of an object."""

    def reading(content: Any) -> Mapping[str, Tensor]:
        path = tmp_path / "weights.pth"
        path.write_bytes(content if isinstance(content, bytes) else saved(content))
        weights: Weights = read_weights(path)
        assert weights.card is None
        return weights.tensors

    return reading


def saved(content: object, *, in_row: bool = False) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=not in_row)
    return buffer.getvalue()


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.Sequential(nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1, bias=False)))


def same(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> bool:
    return list(found) == list(wanted) and all(
        found[name].dtype == value.dtype and torch.equal(found[name], value) for name, value in wanted.items()
    )


WRAPPINGS: dict[str, Callable[[nn.Module], Any]] = {
    "state_dict": lambda net: net.state_dict(),
    "plain dictionary": lambda net: dict(net.state_dict()),
    "parameters": lambda net: OrderedDict((*net.named_parameters(), *net.named_buffers())),
    "params": lambda net: {"params": net.state_dict()},
    "training": lambda net: {
        "epoch": 3,
        "state_dict": net.state_dict(),
        "best": torch.tensor(37.5),
        "optimizer": {"state": {0: {"step": 1, "exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 0.1}]},
    },
    "of another library": lambda net: {"meta": {"epoch": 1}, "weights of it": net.state_dict(), "losses": [0.5]},
    "nested": lambda net: {"model": {"state_dict": net.state_dict()}, "arguments": types.SimpleNamespace(lr=0.1)},
    "made by name (LIIF)": lambda net: {
        "model": {"name": "liif", "args": {"encoder_spec": {"name": "rdn", "args": {}}}, "sd": net.state_dict()},
        "optimizer": {"name": "adam", "args": {"lr": 1e-4}, "sd": {"state": {0: {"exp_avg": torch.zeros(3)}}}},
        "epoch": 1000,
    },
    "module": lambda net: net,
    "module in a dictionary": lambda net: {"epoch": 50, "model": net},
}


@pytest.mark.parametrize("in_row", [False, True])
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_the_tensors_of_a_network_come_out_of_whatever_they_were_saved_in(
    wrapping: str, in_row: bool, read: Read
) -> None:
    net = network()
    found = read(saved(WRAPPINGS[wrapping](net), in_row=in_row))
    wanted = net.state_dict()
    assert found.keys() == wanted.keys()
    assert all(found[name].dtype == wanted[name].dtype and torch.equal(found[name], wanted[name]) for name in wanted)


def test_a_module_gives_what_its_state_dict_would_in_that_order(read: Read) -> None:
    net = network()
    net.register_buffer("kept", torch.ones(2))
    net.register_buffer("left out", torch.ones(2), persistent=False)
    net.register_parameter("none", None)
    net.add_module("again", net[0])
    assert same(read(net), net.state_dict())


@pytest.mark.filterwarnings("ignore:Couldn't retrieve source code:UserWarning")
@pytest.mark.parametrize("in_row", [False, True])
def test_the_class_of_a_module_is_not_needed(in_row: bool, read: Read) -> None:
    gone = types.ModuleType("gone")
    sys.modules["gone"] = gone
    try:
        exec("import torch\nclass Net(torch.nn.Sequential):\n    pass", gone.__dict__)  # noqa: S102
        net = gone.Net(nn.Conv2d(1, 2, 3))
        content = saved({"model": nn.DataParallel(net)}, in_row=in_row)
    finally:
        del sys.modules["gone"]
    assert same(plain_names(read(content)), net.state_dict())


def test_every_type_of_number_and_every_layout_comes_back(read: Read) -> None:
    torch.manual_seed(0)
    base = torch.randn(4, 6)
    types_of_numbers = "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool".split()  # noqa: SIM905
    state = {name: (base * 50).abs().to(getattr(torch, name)) for name in types_of_numbers}
    state |= {
        "turned": base.t(),
        "part": base[1:3, ::2],
        "spread": base[:1].expand(3, 6),
        "number": torch.tensor(2.5),
        "empty": torch.empty(0, 3),
        "learned": nn.Parameter(base),
        "channels last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
    }
    for in_row in (False, True):
        found = read(saved(state, in_row=in_row))
        assert same(found, {name: value.detach() for name, value in state.items()})
        assert found["turned"].untyped_storage().data_ptr() == found["part"].untyped_storage().data_ptr()


def test_a_parameter_with_attributes_of_its_own_is_a_tensor(read: Read) -> None:
    weight = nn.Parameter(torch.arange(3.0))
    weight.rate = 0.1  # type: ignore[attr-defined]
    buffer = torch.arange(2.0)
    buffer.note = "kept"  # type: ignore[attr-defined]
    assert same(read({"weight": weight, "buffer": buffer}), {"weight": weight.detach(), "buffer": buffer})


SIX_NUMBERS = {"a": torch.arange(6.0).reshape(2, 3)}
ORDERED = Named("collections", "OrderedDict")
OLD = {
    "of a GPU": tensor(storage(location="cuda:1")),
    "of a GPU's class": tensor(Persistent(("storage", Named("torch.cuda", "FloatStorage"), "0", "cuda:0", 6))),
    "before 0.4": Call(Named("torch._utils", "_rebuild_tensor"), (storage(), 0, (2, 3), (3, 1))),
    "with a size of its own class": tensor(size=Call(Named("torch", "Size"), ((2, 3),))),
    "an empty one and its state": Call(Named("torch", "FloatTensor"), (), (storage(), 0, (2, 3), (3, 1))),
    "a parameter of 0.1": Call(Named("torch.nn.parameter", "Parameter"), (tensor(),), (True, False, None)),
    "a part of a storage": tensor(storage("0", 6, "FloatStorage", ("1", 0, 6))),
    "a storage that is no part": tensor(storage("0", 6, "FloatStorage", None)),
}


@pytest.mark.parametrize("wrap", [archived, in_a_row])
@pytest.mark.parametrize("name", OLD)
def test_tensors_of_early_versions_are_read(name: str, wrap: Callable[..., bytes], read: Read) -> None:
    assert same(read(wrap({"a": OLD[name]}, {"0": SIX})), SIX_NUMBERS)


def test_dictionaries_and_texts_of_python_2_are_read(read: Read) -> None:
    key = Instructions(b"U\x01a")
    pairs = Call(ORDERED, ([[key, tensor()]],))
    assert same(read(in_a_row(pairs, {"0": SIX})), SIX_NUMBERS)
    assert same(read(in_a_row(module(pairs, {}), {"0": SIX})), SIX_NUMBERS)


def test_a_class_that_is_saved_with_its_source_is_not_compared_with_it(read: Read) -> None:
    kept = Persistent(("module", Named("nowhere", "Net"), "/home/a/net.py", "class Net: ..."))
    made = Call(kept, (), {"_parameters": {"a": tensor()}, "_modules": {}})
    assert same(read(in_a_row(made, {"0": SIX})), SIX_NUMBERS)


@pytest.mark.parametrize(
    ("content", "chosen", "others"),
    [
        ({"params": 1, "params_ema": 2}, "'params_ema'", "'params'"),
        ({"generator": 2, "discriminator": 1}, "'generator'", "'discriminator'"),
        ({"netD": 1, "netG": 2, "optimG": {"a": 1}}, "'netG'", "'netD'"),
        ({"ours": {"state_dict": 2, "ema": 1}}, "'ours.state_dict'", "'ema'"),
    ],
)
def test_where_a_file_holds_several_networks_it_is_said_which_was_taken(
    content: Any, chosen: str, others: str, read: Read, caplog: pytest.LogCaptureFixture
) -> None:
    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(inner) for key, inner in value.items()}
        return {"a": torch.full((1,), float(value))}

    with caplog.at_level(logging.WARNING, "srkit"):
        assert read(filled(content))["a"] == 2
    (said,) = caplog.messages
    assert f"weights.pth: took {chosen}; also there: {others}" in said


def test_where_there_is_no_choice_nothing_is_said(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    read(WRAPPINGS["training"](network()))
    assert not caplog.messages


def test_sets_of_which_none_is_known_to_be_the_networks_are_named(read: Read) -> None:
    tensors = {"a": torch.zeros(1)}
    with pytest.raises(SrkitError, match=r"several sets of tensors \('first', 'second'\)"):
        read({"first": tensors, "second": tensors})
    assert read({"first": {"x": {"a": tensors["a"]}, "y": {"b": tensors["a"]}}, "net": tensors}) == tensors


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"epoch": 3}, "holds no tensors of a network: its keys are 'epoch'"),
        ([1, 2], "holds no tensors of a network: it is neither a module nor a dictionary"),
        ({"a": torch.eye(2).to_sparse()}, "'a' in it is a tensor of a kind that srkit does not read"),
        ({"a": torch.zeros(1, dtype=torch.complex64)}, "'a' in it holds numbers of a kind .*'ComplexFloatStorage'"),
        ({"a\nb": torch.zeros(1)}, r"has a tensor whose name is none: 'a\\nb'"),
    ],
)
def test_what_is_no_weights_file_is_told_plainly(content: Any, complaint: str, read: Read) -> None:
    with pytest.raises(SrkitError, match=complaint):
        read(content)


def arrays() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.zeros(2))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (lambda: archived({}, **{"constants.pkl": b""}), "is a TorchScript program; save the network's state_dict"),
        (arrays, "is a zip archive, but not one that torch.save wrote"),
        (lambda: archived({"a": tensor()}, {"0": SIX}, byteorder=b"big"), "big-endian machine"),
        (lambda: in_a_row({"a": tensor()}, {"0": SIX}, version=1002), "a PyTorch or a machine that srkit does not"),
        (lambda: b"\0" * 257 + b"ustar\0" + b"\0" * 100, "tar form of 2016's PyTorch"),
        (lambda: b"\x89HDF\r\n\x1a\n" + b"\0" * 100, "HDF5 form; load it there and save it again with -v7"),
        (lambda: b"MATLAB 7.3 MAT-file" + b"\0" * 600, "HDF5 form; load it there and save it again with -v7"),
    ],
)
def test_other_files_are_told_by_what_they_are(content: Callable[[], bytes], complaint: str, read: Read) -> None:
    with pytest.raises(SrkitError, match=complaint):
        read(content())


def test_what_wrappers_put_into_names_is_taken_out() -> None:
    def names(*given: str) -> list[str]:
        return list(plain_names({name: torch.zeros(1) for name in given}))

    assert names("module.a.w", "module.b.w") == ["a.w", "b.w"]
    assert names("model.module.a", "model.module.b.module.c") == ["a", "b.c"]
    assert names("module.module.generator.a", "module.module.generator.b") == ["a", "b"]
    assert names("model.a", "tail.b") == ["model.a", "tail.b"]
    assert names("module.a", "a") == ["module.a", "a"], "which would be one"
    assert names("module", "a") == ["module", "a"], "which would be none"
    assert names("body.0.w") == ["body.0.w"]


# MatConvNet


def in_matlab(variables: Mapping[str, Any], *, compressed: bool = False) -> bytes:
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, dict(variables), do_compression=compressed)
    return buffer.getvalue()


def cell(values: list[Any]) -> np.ndarray:
    made = np.empty((1, len(values)), object)
    made[0, :] = [None] * len(values)
    for index, value in enumerate(values):
        made[0, index] = value
    return made


def structures(rows: list[Mapping[str, Any]]) -> np.ndarray:
    made = np.empty((1, len(rows)), [(name, object) for name in rows[0]])
    for index, row in enumerate(rows):
        made[0, index] = tuple(row.values())
    return made


def filters(height: int, width: int, inputs: int, outputs: int, seed: int = 0) -> np.ndarray:
    """As MATLAB holds them: last axes of 1 are left out."""
    made = np.random.default_rng(seed).normal(size=(height, width, inputs, outputs)).astype(np.float32)
    while made.ndim > 2 and made.shape[-1] == 1:
        made = made[..., 0]
    return made


def simple_net() -> Mapping[str, Any]:
    biases = np.arange(4, dtype=np.float32)
    layers = [
        {"type": "conv", "name": "conv1", "weights": cell([filters(3, 5, 2, 4), biases[None]]), "stride": 1.0},
        {"type": "relu", "name": "relu1"},
        {"type": "conv", "weights": cell([filters(3, 3, 4, 1), np.ones((1, 1), np.float32)])},
        {"type": "conv", "filters": filters(1, 1, 1, 3), "biases": biases[:3, None]},
    ]
    return {"net": {"layers": cell(layers), "meta": {"note": "für Bilder", "sizes": np.eye(2, dtype=np.uint8)}}}


def dag_net() -> Mapping[str, Any]:
    params = [
        {"name": "level1_conv1_f", "value": filters(3, 3, 2, 4), "learningRate": 1.0},
        {"name": "level1_conv1_b", "value": np.ones((1, 4), np.float32), "learningRate": 0.1},
        {"name": "level1_img_up_f", "value": filters(4, 4, 1, 1), "learningRate": 1.0},
        {"name": "bn_x", "value": np.ones((4, 2)), "learningRate": 1.0},
    ]
    layers = structures([{"name": "level1_conv1", "block": {"size": np.ones(4)}, "params": cell(["level1_conv1_f"])}])
    return {"net": {"layers": layers, "params": structures(params), "vars": structures([{"name": "LR"}])}}


@pytest.mark.parametrize("compressed", [False, True])
def test_a_simple_network_of_matconvnet_is_read(compressed: bool, read: Read) -> None:
    found = read(in_matlab(simple_net(), compressed=compressed))
    assert {name: tuple(value.shape) for name, value in found.items()} == {
        "layers.0.weight": (4, 2, 3, 5),
        "layers.0.bias": (4,),
        "layers.2.weight": (1, 4, 3, 3),
        "layers.2.bias": (1,),
        "layers.3.weight": (3, 1, 1, 1),
        "layers.3.bias": (3,),
    }
    assert found["layers.0.weight"].dtype == torch.float32
    assert found["layers.0.weight"][1, 0, 2, 4] == filters(3, 5, 2, 4)[2, 4, 0, 1]
    assert found["layers.3.bias"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("compressed", [False, True])
def test_a_graph_of_matconvnet_is_read_by_its_own_names(compressed: bool, read: Read) -> None:
    found = read(in_matlab(dag_net(), compressed=compressed))
    assert {name: tuple(value.shape) for name, value in found.items()} == {
        "level1_conv1_f": (4, 2, 3, 3),
        "level1_conv1_b": (4,),
        "level1_img_up_f": (1, 1, 4, 4),
        "bn_x": (4, 2),
    }


def test_cells_of_weights_and_biases_are_read(read: Read) -> None:
    weights = [filters(3, 3, 1, 4), filters(3, 3, 4, 4, 1), filters(3, 3, 4, 1, 2)]
    biases = [np.zeros((count, 1), np.float32) for count in (4, 4, 1)]
    found = read(in_matlab({"model": {"weight": cell(weights), "bias": cell(biases)}}))
    shapes = [(4, 1, 3, 3), (4, 4, 3, 3), (1, 4, 3, 3)]
    assert [tuple(found[f"weight.{index}"].shape) for index in range(3)] == shapes
    assert [tuple(found[f"bias.{index}"].shape) for index in range(3)] == [(4,), (4,), (1,)]


def test_a_convolution_is_the_same_as_in_matlab(read: Read) -> None:
    """MatConvNet's definition: no flip, rows of the filter along rows of the picture."""
    kernel, picture = filters(3, 5, 2, 4), np.random.default_rng(1).normal(size=(7, 9, 2)).astype(np.float32)
    wanted = np.zeros((5, 5, 4))
    for row, column in np.ndindex(5, 5):
        part = picture[row : row + 3, column : column + 5]
        wanted[row, column] = np.einsum("hwi,hwio->o", part, kernel)
    found = read(in_matlab(simple_net()))["layers.0.weight"]
    made = F.conv2d(torch.from_numpy(picture).permute(2, 0, 1)[None], found)[0].permute(1, 2, 0)
    assert np.allclose(made.numpy(), wanted, atol=1e-5)


def test_a_transposed_convolution_is_the_same_as_in_matlab(read: Read) -> None:
    """Its filters are h×w×out×in there: each number of the input adds a filter to the picture."""
    kernel = filters(4, 4, 3, 2)
    features = np.random.default_rng(1).normal(size=(5, 6, 2)).astype(np.float32)
    wanted = np.zeros((12, 14, 3))
    for row, column in np.ndindex(5, 6):
        wanted[2 * row : 2 * row + 4, 2 * column : 2 * column + 4] += kernel @ features[row, column]
    net = {"params": structures([{"name": "up_f", "value": kernel}])}
    found = read(in_matlab({"net": net}))["up_f"]
    made = F.conv_transpose2d(torch.from_numpy(features).permute(2, 0, 1)[None], found, stride=2)
    assert np.allclose(made[0].permute(1, 2, 0).numpy(), wanted, atol=1e-5)


@pytest.mark.parametrize("kind", "float64 float32 int8 uint8 int16 uint16 int32 uint32 int64".split())  # noqa: SIM905
@pytest.mark.parametrize("compressed", [False, True])
def test_numbers_are_what_scipy_reads(kind: str, compressed: bool) -> None:
    values = [np.arange(24).reshape(2, 3, 4).astype(kind), np.array([[3]], kind), np.zeros((0, 2), kind)]
    content = in_matlab({"model": {"weight": cell(values)}}, compressed=compressed)
    theirs = scipy.io.loadmat(io.BytesIO(content))["model"]["weight"][0, 0][0]
    found = read_matconvnet(content)
    assert np.array_equal(found["weight.0"].numpy(), np.transpose(theirs[0][..., None], (3, 2, 0, 1)))
    assert found["weight.1"].numpy().dtype == theirs[1].dtype
    assert found["weight.1"].tolist() == [3]
    assert len(found) == 2, "what is empty is no tensor"


def test_objects_of_matlab_beside_the_network_are_passed_over(read: Read) -> None:
    """A function handle has the head of an array, an object of a class has one of its own."""
    opaque = element(
        14, element(6, bytes([17, *bytes(7)])) + element(1, b"o") + element(1, b"MCOS") + element(1, b"Map")
    )
    handle, text = matrix(16, (1, 1), matrix(4, (1, 1), element(16, b"f"))), matrix(4, (0, 0), b"")
    numbers = matrix(1, (1, 1), matrix(7, (1, 2), element(7, np.float32([1, 2]).tobytes())))
    names = b"".join(name.ljust(8, b"\0") for name in (b"o", b"f", b"t", b"weight"))
    fields = element(5, (8).to_bytes(4, "little")) + element(1, names)
    net = matrix(2, (1, 1), fields + opaque + handle + text + numbers, b"net")
    assert read(mat(net, opaque))["weight.0"].tolist() == [1, 2]
    with pytest.raises(SrkitError, match=r"holds no network of MatConvNet \(its variables: 'o'\)"):
        read(mat(opaque))


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"x": np.zeros(3), "note": "text"}, r"holds no network of MatConvNet \(its variables: 'x', 'note'\)"),
        ({"net": {"layers": cell([{"type": "relu"}])}}, "holds no network of MatConvNet"),
        ({"a": simple_net()["net"], "b": dag_net()["net"]}, r"holds several networks \(its variables: 'a', 'b'\)"),
    ],
)
def test_a_file_of_matlab_without_one_network_is_told(variables: Any, complaint: str, read: Read) -> None:
    with pytest.raises(SrkitError, match=complaint):
        read(in_matlab(variables))
