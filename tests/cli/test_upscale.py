"""`srkit upscale`, and `upscale` from Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import Result
from PIL import Image

from sr_core import Picture, SrkitError, read_picture, upscale
from tests.conftest import textured

Srkit = Callable[..., Result]


def test_one_picture_to_one_file(srkit: Srkit, photographs: Path, tmp_path: Path) -> None:
    done = srkit("upscale", photographs / "alpha.png", "-o", tmp_path / "large.png", "--scale", "3")
    assert done.exit_code == 0
    assert done.output.strip() == str(tmp_path / "large.png")
    assert read_picture(tmp_path / "large.png").size == (144, 180)


def test_several_pictures_to_a_folder(srkit: Srkit, photographs: Path, tmp_path: Path) -> None:
    sources = sorted(photographs.iterdir())
    done = srkit("upscale", *sources, "-o", tmp_path / "large", "--scale", "1.5", "--model", "spline")
    assert done.exit_code == 0, done.output
    assert read_picture(tmp_path / "large/beta_x1.5.png").size == (77, 71)
    assert len(done.output.splitlines()) == len(sources)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["missing.png", "-o", "x.png", "--scale", "2"], "missing.png: no such file"),
        (["alpha.png", "-o", "x.png", "--scale", "0.5"], "0.5"),
        (["alpha.png", "-o", "x.xyz", "--scale", "2"], "x.xyz: cannot tell the format to write"),
        (["alpha.png", "-o", "x.png", "--scale", "2", "--model", "bicubik"], "did you mean 'bicubic'"),
        (["alpha.png", "beta.png", "-o", "x.png", "--scale", "2"], "several pictures need a folder"),
        (["alpha.png", "alpha.png", "-o", "out", "--scale", "2"], "the same name"),
        (["alpha.png", "-o", "x.png", "--scale", "2", "--device", "cuda:99"], "cuda:99"),
    ],
)
def test_each_mistake_is_one_plain_message(
    arguments: list[str], complaint: str, srkit: Srkit, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photographs)
    done = srkit("upscale", *arguments)
    assert done.exit_code == 2
    assert complaint in done.output
    assert "Traceback" not in done.output
    assert not (photographs / "x.png").exists()


def test_gray_stays_gray_alpha_stays_and_16_bits_stay(srkit: Srkit, photographs: Path, tmp_path: Path) -> None:
    deep = (textured((20, 24), 1, 0).astype(np.uint16) << 8) + 77
    Image.fromarray(deep).save(tmp_path / "deep.png")
    clear = np.dstack([textured((20, 24), 3, 1), textured((20, 24), 1, 2)])
    Image.fromarray(clear).save(tmp_path / "clear.png")
    sources = (photographs / "gray.png", tmp_path / "deep.png", tmp_path / "clear.png")
    srkit("upscale", *sources, "-o", tmp_path / "out", "--scale", "2")
    gray, deep_out, clear_out = (read_picture(tmp_path / f"out/{name}_x2.png") for name in ("gray", "deep", "clear"))
    assert (gray.image.shape[1], gray.bits) == (1, 8)
    assert (deep_out.image.shape, deep_out.bits) == ((1, 1, 40, 48), 16)
    assert clear_out.alpha is not None
    assert clear_out.size == (40, 48)


def test_from_python_each_kind_of_picture_comes_back_as_it_was_given(photographs: Path) -> None:
    path = photographs / "alpha.png"
    with Image.open(path) as opened:
        opened.load()
        image = opened.copy()
    levels = np.asarray(image)
    tensor = torch.rand(2, 3, 8, 8)
    assert isinstance(upscale(path, 2), Picture)
    assert isinstance(upscale(str(path), 2), Picture)
    assert isinstance(upscale(read_picture(path), 2), Picture)
    assert upscale(image, 2).size == (120, 96)
    assert upscale(levels, 2).dtype == np.uint8
    assert upscale(levels, 2).shape == (96, 120, 3)
    assert upscale(levels[..., 0], 2).shape == (96, 120)
    assert upscale(levels / np.float32(255), 2).dtype == np.float32
    assert upscale(tensor, (2, 3)).shape == (2, 3, 16, 24)


def test_from_python_parameters_can_be_given_and_mistakes_are_plain() -> None:
    levels = textured((10, 10), 3, 0)
    nearest = upscale(levels, 2, "spline", parameters={"order": 0})
    assert np.array_equal(nearest, levels.repeat(2, axis=0).repeat(2, axis=1))
    with pytest.raises(SrkitError, match="order"):
        upscale(levels, 2, "spline", parameters={"order": 7})
    with pytest.raises(SrkitError, match="takes scale 1 or more, not 0.5"):
        upscale(levels, 0.5)
