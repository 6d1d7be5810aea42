"""Weights files: what goes in comes out, equal weights are equal files, and nothing in a file is ever executed."""

from __future__ import annotations

import io
import json
import pickle
import resource
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from sr_core.checkpoint import WeightsCard, load_weights, read_weights, write_weights
from sr_core.errors import SrkitError

CARD = WeightsCard(
    component="tiny",
    distribution="tiny-models",
    parameters={"width": 8, "scale": 3},
    scales=(3, 2.5, (2, 3)),
    channels="rgb",
    spec={"name": "tiny-x3", "train": {"steps": 10}},
)


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 3, 3))


class Tied(nn.Module):
    """A layer used twice, and a view of a part of another."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.first = nn.Linear(4, 4)
        self.again = self.first
        self.register_buffer("whole", torch.arange(6.0))
        self.register_buffer("part", self.whole[2:5])  # type: ignore[index]
        self.register_buffer("turned", self.first.weight.detach().t())


def test_a_network_comes_back_to_the_last_bit_with_its_card(tmp_path: Path) -> None:
    source, target = network(1), network(2)
    write_weights(tmp_path / "weights.safetensors", source, CARD)
    load_weights(target, tmp_path / "weights.safetensors")
    for name, value in source.state_dict().items():
        assert torch.equal(target.state_dict()[name], value), name
    assert read_weights(tmp_path / "weights.safetensors").card == CARD


def test_equal_weights_are_equal_files_wherever_and_whenever_they_were_written(tmp_path: Path) -> None:
    for place in ("a/first", "second", "third"):
        write_weights(tmp_path / f"{place}.safetensors", network(), CARD)
    state = dict(reversed(network().state_dict().items()))
    write_weights(tmp_path / "reversed.safetensors", state, CARD)
    assert len({path.read_bytes() for path in tmp_path.rglob("*.safetensors")}) == 1


def test_the_metadata_is_one_key_of_sorted_json(tmp_path: Path) -> None:
    write_weights(tmp_path / "w.safetensors", network(), CARD)
    with safe_open(tmp_path / "w.safetensors", framework="pt") as file:
        metadata = file.metadata()
    assert list(metadata) == ["srkit"]
    card = json.loads(metadata["srkit"])
    assert list(card) == sorted(card)
    assert card["component"] == "tiny"
    assert card["scales"] == [3, 2.5, [2, 3]]
    assert str(tmp_path) not in metadata["srkit"]


def test_a_whole_scale_stays_a_whole_number(tmp_path: Path) -> None:
    write_weights(tmp_path / "w.safetensors", network(), CARD)
    card = read_weights(tmp_path / "w.safetensors").card
    assert card is not None
    assert [type(scale) for scale in card.scales] == [int, float, tuple]
    assert type(card.parameters["scale"]) is int


def test_shared_tensors_are_stored_once_and_come_back_under_each_name(tmp_path: Path) -> None:
    source = Tied()
    write_weights(tmp_path / "w.safetensors", source, CARD)
    assert sorted(load_file(tmp_path / "w.safetensors")) == ["first.bias", "first.weight", "part", "turned", "whole"]
    weights = read_weights(tmp_path / "w.safetensors")
    assert weights.card is not None
    assert weights.card.aliases == {"again.bias": "first.bias", "again.weight": "first.weight"}
    assert set(weights.tensors) == set(source.state_dict())
    for name, value in source.state_dict().items():
        assert torch.equal(weights.tensors[name], value), name
    target = Tied()
    nn.init.zeros_(target.first.weight)
    load_weights(target, tmp_path / "w.safetensors")
    assert torch.equal(target.again.weight, source.first.weight)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_the_type_of_numbers_is_kept(dtype: torch.dtype, tmp_path: Path) -> None:
    write_weights(tmp_path / "w.safetensors", network().to(dtype), CARD)
    assert load_file(tmp_path / "w.safetensors")["0.weight"].dtype == dtype


def test_channels_last_is_stored_like_any_other_layout(tmp_path: Path) -> None:
    write_weights(tmp_path / "plain.safetensors", network(), CARD)
    write_weights(tmp_path / "last.safetensors", network().to(memory_format=torch.channels_last), CARD)
    assert (tmp_path / "plain.safetensors").read_bytes() == (tmp_path / "last.safetensors").read_bytes()


def test_a_state_dict_can_be_written_without_its_network(tmp_path: Path) -> None:
    write_weights(tmp_path / "w.safetensors", network().state_dict(), CARD)
    load_weights(network(3), tmp_path / "w.safetensors")


def test_others_may_read_the_file_as_any_new_file(tmp_path: Path) -> None:
    write_weights(tmp_path / "w.safetensors", network(), CARD)
    (tmp_path / "plain").touch()
    assert (tmp_path / "w.safetensors").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_file_of_another_tool_has_no_card(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(2)}, tmp_path / "w.safetensors", {"format": "pt"})
    weights = read_weights(tmp_path / "w.safetensors")
    assert weights.card is None
    assert list(weights.tensors) == ["a"]


class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        return open, (str(self.made), "w")


def archive(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("weights/data.pkl", content)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["w.pth", "w.pt", "w.safetensors"])
@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("protocol", [2, 5])
def test_a_pickle_that_would_run_code_is_refused_and_never_opened(
    name: str, wrapped: bool, protocol: int, tmp_path: Path
) -> None:
    content = pickle.dumps(Trap(tmp_path / "made"), protocol)
    (tmp_path / name).write_bytes(archive(content) if wrapped else content)
    with pytest.raises(
        SrkitError, match=r"calling io\.open, which was not done|would call io\.open.*, so it was not"
    ) as caught:
        load_weights(network(), tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_what_torch_saves_is_read_whatever_it_is_called(name: str, tmp_path: Path) -> None:
    source, target = network(1), network(2)
    torch.save({"state_dict": source.state_dict()}, tmp_path / name)
    assert read_weights(tmp_path / name).card is None
    load_weights(target, tmp_path / name)
    assert torch.equal(target[0].weight, source[0].weight)


def truncated(whole: bytes) -> bytes:
    return whole[:-100]


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (truncated, "not a safetensors file"),
        (lambda _: b"", "not a safetensors file"),
        (lambda _: b"PK\x03\x04 no archive", "is damaged; fetch or copy it again"),
        (lambda _: b"\x80\x02 no pickle", "is damaged; fetch or copy it again"),
        (lambda _: b"\xff" * 500, "not a safetensors file .*, nor one of PyTorch or MatConvNet"),
        (lambda _: struct.pack("<Q", 2**60) + b"{}", "not a safetensors file"),
        (lambda whole: whole.replace(b'\\"format\\": 1', b'\\"format\\": 2'), "written by a newer srkit"),
        (lambda whole: whole.replace(b'\\"component\\"', b'\\"somponent\\"'), "the card in it is damaged: component"),
        (lambda whole: whole.replace(b'{\\"aliases', b'[\\"aliases'), "the card in it is damaged"),
        (lambda whole: whole.replace(b'\\"aliases\\": {}', b'\\"aliases\\": {\\"a\\": \\"b\\"}'), "not a safetensors"),
    ],
)
def test_a_damaged_file_is_one_plain_message(spoil: Callable[[bytes], bytes], complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    write_weights(path, network(), CARD)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(SrkitError, match=complaint) as caught:
        read_weights(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_alias_of_nothing_is_damage(tmp_path: Path) -> None:
    text = CARD.model_copy(update={"aliases": {"a": "b"}}).model_dump_json()
    save_file({"c": torch.zeros(1)}, tmp_path / "w.safetensors", {"srkit": text})
    with pytest.raises(SrkitError, match="'a' is stored as 'b', which is not there"):
        read_weights(tmp_path / "w.safetensors")


def test_missing_files_and_folders_are_plain_errors(tmp_path: Path) -> None:
    with pytest.raises(SrkitError, match="no such file"):
        read_weights(tmp_path / "w.safetensors")
    with pytest.raises(SrkitError, match="is a folder"):
        read_weights(tmp_path)


def test_weights_of_another_network_name_the_differing_keys(tmp_path: Path) -> None:
    other = nn.Sequential(nn.Conv2d(3, 8, 5), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 3, 3))
    write_weights(tmp_path / "w.safetensors", other, CARD)
    with pytest.raises(SrkitError) as caught:
        load_weights(network(), tmp_path / "w.safetensors")
    said = str(caught.value)
    for part in ("'2.weight' is missing", "'3.weight' is not part", "'0.weight' is (8, 3, 5, 5), the network needs"):
        assert part in said


def test_a_state_that_is_no_tensor_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SrkitError, match="'extra' of the network is no plain tensor"):
        write_weights(tmp_path / "w.safetensors", {"extra": 3}, CARD)  # type: ignore[dict-item]
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_earlier_file_and_names_it(tmp_path: Path) -> None:
    """The disk is played by a limit on the size of files."""
    path = tmp_path / "w.safetensors"
    write_weights(path, network(), CARD)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(SrkitError, match=r"w\.safetensors: the weights cannot be written: .*File too large"):
            write_weights(path, network(1), CARD)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_fills_up_at_the_end_is_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SrkitError, match="No space left on device"):
        write_weights(tmp_path / "w.safetensors", network(), CARD)
    assert list(tmp_path.iterdir()) == []
