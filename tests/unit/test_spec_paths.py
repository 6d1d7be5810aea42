"""Paths in specs: relative to the file, with `~` and `${NAME}`."""

from __future__ import annotations

from pathlib import Path

import pytest

from sr_core.discovery import discover
from sr_core.errors import SpecError
from sr_core.spec.measuring_spec import DatasetSpec
from sr_core.spec.reading import read_spec


def dataset(path: str, folder: Path) -> DatasetSpec:
    """The data set of a spec that measures on `path`."""
    file = folder / "spec.yaml"
    file.write_text(f"name: a\nscale: 2\nevaluate:\n  on: ['{path}']\n  candidates: [bicubic]\n", encoding="utf-8")
    evaluate = read_spec(file, discover().registry).run.evaluate
    assert evaluate is not None
    return evaluate.on[0]


@pytest.mark.parametrize(
    ("path", "expected", "name"),
    [
        ("${PICTURES}/Set5/HR", "/data/pictures/Set5/HR", "Set5"),
        ("${PICTURES}", "/data/pictures", "pictures"),
        ("${PICTURES}/${WHICH}/*.png", "/data/pictures/Set14/*.png", "Set14"),
        ("sets/${WHICH}", "{folder}/sets/Set14", "Set14"),
        ("~/pictures", "/home/someone/pictures", "pictures"),
        ("${BUILT_IN}", "samples:test", "samples-test"),
        ("$PICTURES/x{scale}", "{folder}/$PICTURES/x{scale}", "x{scale}"),
    ],
)
def test_a_path_may_name_the_home_folder_and_environment_variables(
    path: str, expected: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in (("PICTURES", "/data/pictures"), ("WHICH", "Set14"), ("BUILT_IN", "samples:test")):
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("HOME", "/home/someone")
    found = dataset(path, tmp_path)
    assert found.hr == (expected.replace("{folder}", str(tmp_path)),)
    assert found.name == name


@pytest.mark.parametrize(("value", "state"), [(None, "not set"), ("", "empty")])
def test_a_variable_without_a_value_is_a_fault_that_says_how_to_set_it(
    value: str | None, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PICTURES", raising=False)
    if value is not None:
        monkeypatch.setenv("PICTURES", value)
    with pytest.raises(SpecError) as caught:
        dataset("${PICTURES}/Set5/HR", tmp_path)
    (fault,) = caught.value.faults
    assert fault.line == 4
    expected = f"the environment variable 'PICTURES' is {state}; set it, as in: PICTURES=/data srkit run SPEC"
    assert str(fault).endswith(expected)


def test_a_home_folder_that_cannot_be_found_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="the home folder that '~' stands for cannot be found"):
        dataset("~no-such-user-here/pictures", tmp_path)
