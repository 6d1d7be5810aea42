"""Files appear whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sr_core.atomic import atomic_write


def test_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "results.json"
    with atomic_write(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        temporary.write_text("whole")
    assert target.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [target]


def test_temporary_file_is_a_hidden_neighbour_with_the_same_suffix(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "picture.png") as temporary:
        assert (temporary.parent, temporary.suffix) == (tmp_path, ".png")
        assert temporary.name.startswith(".")
        temporary.touch()


def write_half(target: Path, interruption: type[BaseException]) -> None:
    with atomic_write(target) as temporary:
        temporary.write_text("half of the new")
        raise interruption


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt, SystemExit])
def test_failure_leaves_the_old_file_and_no_other(tmp_path: Path, interruption: type[BaseException]) -> None:
    target = tmp_path / "results.json"
    target.write_text("old")
    with pytest.raises(interruption):
        write_half(target, interruption)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_failure_before_the_first_byte_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="early"), atomic_write(tmp_path / "results.json"):
        raise ValueError("early")
    assert list(tmp_path.iterdir()) == []


def test_missing_folders_are_created(tmp_path: Path) -> None:
    target = tmp_path / "runs" / "first" / "results.json"
    with atomic_write(target) as temporary:
        temporary.touch()
    assert target.exists()


def test_path_may_be_text_in_any_script(tmp_path: Path) -> None:
    with atomic_write(f"{tmp_path}/結果 🐱.txt") as temporary:
        temporary.touch()
    assert (tmp_path / "結果 🐱.txt").exists()


def test_name_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 251 + ".txt")
    with atomic_write(target) as temporary:
        temporary.touch()
    assert target.exists()


def test_file_gets_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    plain = tmp_path / "plain.txt"
    plain.touch()
    with atomic_write(tmp_path / "atomic.txt") as temporary:
        temporary.touch()
    assert (tmp_path / "atomic.txt").stat().st_mode == plain.stat().st_mode


def test_folder_in_the_place_of_the_file_is_refused_and_kept(tmp_path: Path) -> None:
    target = tmp_path / "results.json"
    target.mkdir()
    with pytest.raises(OSError, match=r"results\.json"), atomic_write(target) as temporary:
        temporary.touch()
    assert list(tmp_path.iterdir()) == [target]


def test_torch_is_not_needed() -> None:
    code = "import sys, sr_core.atomic; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
