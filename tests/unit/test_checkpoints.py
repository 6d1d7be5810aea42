"""Checkpoints: the whole state comes back, half a checkpoint is never seen, and the last whole one is always there."""

from __future__ import annotations

import json
import logging
import math
import os
import resource
import struct
import subprocess
import sys
from collections import OrderedDict, defaultdict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from sr_core.errors import RunDirectoryError, SrkitError
from sr_core.training.checkpoints import Checkpoints, Loaded, load_latest
from sr_core.training.state_file import read_state, write_state


def same(one: Any, other: Any) -> bool:
    """Equal in value, type, layout and bits."""
    if isinstance(one, torch.Tensor):
        return (
            isinstance(other, torch.Tensor)
            and (one.dtype, one.shape, one.stride()) == (other.dtype, other.shape, other.stride())
            and one.contiguous().numpy().tobytes() == other.contiguous().numpy().tobytes()
        )
    if isinstance(one, float):
        return type(other) is float and struct.pack("d", one) == struct.pack("d", other)
    if isinstance(one, dict):
        return type(other) is dict and list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return type(other) is type(one) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


STATE = {
    "step": 2**70,
    "is": True,
    "one": 1,
    "text": "Größe 結果\n",
    "nothing": None,
    "floats": [0.1, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1.0],
    "a.b": {0: torch.tensor(3), 1: {2: torch.tensor([True, False])}, "0": (), (1, "x"): [(1, [2.5])]},
    "a": {"b": torch.tensor([math.nan, math.inf, -0.0])},
    "empty": torch.zeros(0, 3),
    "layouts": [torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last), torch.randn(3, 4).t()],
    "whole": torch.arange(12, dtype=torch.uint8),
    "deep": torch.randn(3, dtype=torch.float64),
}


def test_a_nested_state_comes_back_exactly(tmp_path: Path) -> None:
    shared = torch.arange(6.0)
    state = {**STATE, "shared": [shared, shared, shared[2:], shared.view(2, 3)]}
    write_state(tmp_path, state)
    assert same(state, read_state(tmp_path))


def test_the_tables_of_an_optimiser_come_back_as_dicts(tmp_path: Path) -> None:
    written = {"state": defaultdict(dict, {3: {"step": torch.tensor(2.0)}}), "order": OrderedDict(b=1, a=2)}
    write_state(tmp_path, written)
    assert same(read_state(tmp_path), {"state": {3: {"step": torch.tensor(2.0)}}, "order": {"b": 1, "a": 2}})


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("options", [{"fused": True}, {"foreach": True}, {"amsgrad": True}])
def test_training_goes_on_from_a_saved_state_as_if_never_interrupted(
    memory_format: torch.memory_format, options: dict[str, bool], tmp_path: Path
) -> None:
    def steps(network: nn.Module, optimizer: torch.optim.Optimizer, seeds: range) -> None:
        for seed in seeds:
            generator = torch.Generator().manual_seed(seed)
            image = torch.randn(2, 3, 8, 8, generator=generator).to(memory_format=memory_format)
            optimizer.zero_grad()
            network(image).square().mean().backward()
            optimizer.step()

    def fresh(seed: int) -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 1, 1)).to(memory_format=memory_format)
        return network, torch.optim.Adam(network.parameters(), lr=0.01, **options)

    whole, optimizer = fresh(0)
    steps(whole, optimizer, range(3))
    write_state(tmp_path, {"network": whole.state_dict(), "optimizer": optimizer.state_dict()})
    steps(whole, optimizer, range(3, 6))

    resumed, optimizer = fresh(1)
    state = read_state(tmp_path)
    resumed.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    steps(resumed, optimizer, range(3, 6))
    assert same(dict(whole.state_dict()), dict(resumed.state_dict()))


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", torch.eye(2).to_sparse(), {"x": Path("/")}])
def test_what_cannot_be_saved_is_named_by_its_place(value: object, tmp_path: Path) -> None:
    with pytest.raises(SrkitError, match=r"the state at 'loss\.0.*cannot be saved"):
        write_state(tmp_path, {"loss": [value]})


@pytest.mark.parametrize("text", ["", "{", '{"tensor": "9 nowhere"}', '{"other": 1}', "[" * 100_000])
def test_a_damaged_state_is_a_plain_error(text: str, tmp_path: Path) -> None:
    write_state(tmp_path, STATE)
    (tmp_path / "state.json").write_text(text, encoding="utf-8")
    with pytest.raises(SrkitError, match="the state in it cannot be read"):
        read_state(tmp_path)


def weights(path: Path) -> None:
    path.write_bytes(b"weights")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def loaded(checkpoints: Checkpoints) -> Loaded:
    found = checkpoints.latest()
    assert found is not None
    return found


def test_the_newest_checkpoint_brings_everything_back(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "checkpoints", keep=3)
    assert checkpoints.latest() is None
    checkpoints.save(1000, {"learned": torch.zeros(3)}, weights)
    saved = checkpoints.save(2000, {"learned": torch.ones(3)}, weights)
    assert saved == tmp_path / "checkpoints/step-00002000"
    assert names(saved) == ["manifest.json", "state.json", "state.safetensors", "weights.safetensors"]
    found = loaded(Checkpoints(tmp_path / "checkpoints", keep=3))
    assert (found.step, found.folder) == (2000, saved)
    assert found.weights.read_bytes() == b"weights"
    assert same(found.state, {"learned": torch.ones(3)})


def test_the_last_few_stay_and_the_best_and_final_ones_besides(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, keep=2)
    for step in (100, 200, 300, 400):
        checkpoints.save(step, {}, weights)
        if step == 200:
            checkpoints.save_best(step, weights)
    assert not checkpoints.has_final
    checkpoints.save_final(400, weights)
    assert names(tmp_path) == ["best", "final", "step-00000300", "step-00000400"]
    assert checkpoints.has_final
    assert json.loads((tmp_path / "best/manifest.json").read_text(encoding="utf-8"))["step"] == 200
    assert checkpoints.final == tmp_path / "final/weights.safetensors"


def test_a_better_one_takes_the_place_of_the_best(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, keep=2)
    for content in (b"good", b"better"):
        kept = checkpoints.save_best(1, lambda path, content=content: path.write_bytes(content))  # type: ignore[misc]
        assert kept.read_bytes() == content
    assert names(tmp_path) == ["best"]


def test_checkpoints_of_steps_that_training_went_back_before_are_gone(tmp_path: Path) -> None:
    """Otherwise a resumed run would take up a past that was given up."""
    checkpoints = Checkpoints(tmp_path, keep=2)
    for step in (100, 200, 300):
        checkpoints.save(step, {"step": step}, weights)
    checkpoints.save(250, {"step": 250}, weights)
    assert names(tmp_path) == ["step-00000200", "step-00000250"]


def test_a_step_that_is_saved_again_is_replaced(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, keep=2)
    checkpoints.save(100, {"try": 1}, weights)
    checkpoints.save(100, {"try": 2}, weights)
    assert loaded(checkpoints).state == {"try": 2}
    assert names(tmp_path) == ["step-00000100"]


def truncate(folder: Path) -> str:
    path = folder / "state.safetensors"
    os.truncate(path, path.stat().st_size - 8)
    return "state.safetensors has"


def flip_a_bit(folder: Path) -> str:
    content = bytearray((folder / "weights.safetensors").read_bytes())
    content[3] ^= 1
    (folder / "weights.safetensors").write_bytes(content)
    return "weights.safetensors is not what was written"


def lose_a_file(folder: Path) -> str:
    (folder / "weights.safetensors").unlink()
    return "weights.safetensors is missing"


def lose_the_manifest(folder: Path) -> str:
    (folder / "manifest.json").unlink()
    return "manifest.json is missing"


def empty_the_manifest(folder: Path) -> str:
    (folder / "manifest.json").write_bytes(b"")
    return "manifest.json cannot be read"


def spoil_the_manifest(folder: Path) -> str:
    (folder / "manifest.json").write_text('{"files": ["state.json"]}', encoding="utf-8")
    return "manifest.json cannot be read"


@pytest.mark.parametrize(
    "damage", [truncate, flip_a_bit, lose_a_file, lose_the_manifest, empty_the_manifest, spoil_the_manifest]
)
def test_a_damaged_checkpoint_is_skipped_with_a_word(
    damage: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoints = Checkpoints(tmp_path, keep=3)
    checkpoints.save(100, {"step": 100}, weights)
    newest = checkpoints.save(200, {"step": 200, "tensor": torch.zeros(100)}, weights)
    why = damage(newest)
    with caplog.at_level(logging.WARNING, "srkit"):
        assert loaded(checkpoints).step == 100
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.startswith(f"the checkpoint {newest} is damaged and is skipped: ")
    assert why in message
    checkpoints.save(200, {"step": 200}, weights)
    assert loaded(checkpoints).step == 200


def test_a_full_disk_leaves_the_earlier_checkpoints_and_says_so(tmp_path: Path) -> None:
    """The disk is played by a limit on the size of files."""
    checkpoints = Checkpoints(tmp_path, keep=1)
    checkpoints.save(100, {"step": 100}, weights)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(RunDirectoryError) as caught:
            checkpoints.save(200, {"tensor": torch.zeros(100_000)}, weights)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / 'step-00000200'} was not saved: ")
    assert "File too large" in said
    assert said.endswith("the earlier ones are as they were: --resume goes on from step-00000100")
    assert names(tmp_path) == ["step-00000100"]
    assert loaded(checkpoints).state == {"step": 100}
    checkpoints.save(200, {"step": 200}, weights)
    assert names(tmp_path) == ["step-00000200"]


@pytest.mark.parametrize("what", ["save", "save_best", "save_final"])
def test_a_disk_that_fills_up_at_the_very_end_loses_nothing(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = Checkpoints(tmp_path, keep=1)
    checkpoints.save(100, {}, weights)
    checkpoints.save_best(100, weights)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    saved = {"state": {}} if what == "save" else {}
    with pytest.raises(RunDirectoryError, match="No space left on device"):
        getattr(checkpoints, what)(step=200, write_weights=lambda path: path.write_bytes(b"new"), **saved)
    assert names(tmp_path) == ["best", "step-00000100"]
    assert checkpoints.best.read_bytes() == b"weights"


def test_a_network_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    def fails(path: Path) -> None:
        path.write_bytes(b"half")
        raise SrkitError("'x' of the network is no plain tensor")

    checkpoints = Checkpoints(tmp_path / "checkpoints", keep=1)
    with pytest.raises(RunDirectoryError, match="no plain tensor; there is no earlier checkpoint"):
        checkpoints.save(200, {}, fails)
    assert names(tmp_path / "checkpoints") == []


def test_ctrl_c_while_saving_leaves_no_half_checkpoint(tmp_path: Path) -> None:
    def interrupted(path: Path) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    checkpoints = Checkpoints(tmp_path, keep=1)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(200, {}, interrupted)
    assert names(tmp_path) == []


def test_leftovers_of_a_killed_writer_are_swept_and_what_it_moved_aside_is_put_back(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, keep=2)
    checkpoints.save(100, {}, weights)
    checkpoints.save_best(100, weights)
    half = tmp_path / ".0123abcd"
    half.mkdir()
    (half / "weights.safetensors").write_bytes(b"half")
    # Killed between the two renames that replace the best, and before an older 'step' was removed.
    (tmp_path / "best").rename(tmp_path / ".aside-best")
    (tmp_path / ".aside-step-00000100").mkdir()
    assert Checkpoints(tmp_path, keep=2).best.read_bytes() == b"weights"
    assert names(tmp_path) == ["best", "step-00000100"]


def test_reading_changes_nothing(tmp_path: Path) -> None:
    """So that other processes may read while the first one writes."""
    Checkpoints(tmp_path, keep=2).save(100, {}, weights)
    (tmp_path / ".being-written").mkdir()
    found = load_latest(tmp_path)
    assert found is not None
    assert found.step == 100
    assert names(tmp_path) == [".being-written", "step-00000100"]


KILLED_AGAIN_AND_AGAIN = """
import os, random, signal, sys, time
from pathlib import Path
import torch
from sr_core.training.checkpoints import Checkpoints

folder = Path(sys.argv[1])
torch.set_num_threads(1)
random.seed(0)

def content(step):
    return step.to_bytes(8, "big") * 20_000

def write_for_ever(step, pipe):
    checkpoints = Checkpoints(folder, keep=2)
    while True:
        step += 1
        write = lambda path: path.write_bytes(content(step))
        checkpoints.save(step, {"step": step, "tensor": torch.full((5000,), float(step))}, write)
        checkpoints.save_best(step, write)
        os.write(pipe, step.to_bytes(8, "big"))

reached = 0
for kill in range(20):
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            write_for_ever(reached, writer)
        finally:
            os._exit(1)
    os.close(writer)
    done = int.from_bytes(os.read(reader, 8), "big")
    assert done == reached + 1
    time.sleep(random.uniform(0, 0.02))
    os.kill(process, signal.SIGKILL)
    assert os.waitpid(process, 0)[1] == signal.SIGKILL
    while later := os.read(reader, 8):
        done = int.from_bytes(later, "big")
    os.close(reader)
    hidden = [path for path in folder.iterdir() if path.name.startswith(".")]
    checkpoints = Checkpoints(folder, keep=2)
    found = checkpoints.latest()
    assert found.step in (done, done + 1), (found.step, done)
    assert found.state["step"] == found.step
    assert torch.equal(found.state["tensor"], torch.full((5000,), float(found.step)))
    assert found.weights.read_bytes() == content(found.step)
    assert checkpoints.best.read_bytes() in (content(done), content(done + 1))
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    reached = found.step
    print("in the middle" if hidden else "between two")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill −9 is POSIX's")
def test_kill_9_in_the_middle_of_a_checkpoint_leaves_a_whole_one(tmp_path: Path) -> None:
    """Whatever moment the kills hit, the newest checkpoint is whole, and no damage is warned of."""
    command = [sys.executable, "-c", KILLED_AGAIN_AND_AGAIN, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "damaged" not in done.stderr
    assert done.stdout.count("in the middle") > 0
