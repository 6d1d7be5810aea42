"""The built-in photographs."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from sr_core.data.samples import Split, parse_samples, sample_pictures
from sr_core.errors import DatasetError
from sr_core.imaging.files import read_picture


def stems(split: Split) -> list[str]:
    return [picture.stem for picture in sample_pictures(split)]


def test_train_and_test_are_the_promised_photographs() -> None:
    assert stems("train") == ["motorcycle_left", "rocket", "camera", "brick", "grass", "gravel"]
    assert stems("test") == ["astronaut", "chelsea", "coffee"]


def test_all_is_train_and_test() -> None:
    assert sample_pictures("all") == sample_pictures("train") + sample_pictures("test")


def test_every_photograph_can_be_read() -> None:
    sizes = {picture.stem: read_picture(picture).image.shape for picture in sample_pictures("all")}
    assert sizes["astronaut"] == (1, 3, 512, 512)
    assert sizes["camera"] == (1, 1, 512, 512)
    assert len(sizes) == 9


@pytest.mark.parametrize(
    ("text", "split"),
    [("samples", "all"), ("samples:train", "train"), ("samples:test", "test")],
)
def test_name_says_the_split(text: str, split: Split) -> None:
    assert parse_samples(text) == split


@pytest.mark.parametrize("text", ["photos", "samples/", "samples.png", "mysamples:test", ""])
def test_other_sources_are_not_samples(text: str) -> None:
    assert parse_samples(text) is None


@pytest.mark.parametrize("text", ["samples:", "samples:validation", "samples:Test"])
def test_unknown_split_names_the_valid_ones(text: str) -> None:
    with pytest.raises(DatasetError, match=f"^{text}: .*samples, samples:train and samples:test"):
        parse_samples(text)


def test_without_scikit_image_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sr_core.data.samples.find_spec", lambda _: None)
    with pytest.raises(DatasetError, match=r'pip install "srkit\[samples\]"'):
        sample_pictures("test")


def test_incomplete_scikit_image_names_the_missing_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    for name in ("astronaut.png", "coffee.png"):
        (tmp_path / "data" / name).touch()
    package = ModuleSpec("skimage", None, is_package=True)
    package.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr("sr_core.data.samples.find_spec", lambda _: package)
    with pytest.raises(DatasetError, match=r"lacks chelsea\.png; .*pip install"):
        sample_pictures("test")


def test_neither_scikit_image_nor_torch_is_imported() -> None:
    assert importlib.util.find_spec("skimage") is not None
    code = (
        "import sys; from sr_core.data.samples import sample_pictures; sample_pictures('all');"
        "assert not {'skimage', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
