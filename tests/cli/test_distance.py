"""`srkit distance`: sets of pictures compared with sets, none of them paired."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image
from PIL.ImageFilter import GaussianBlur

from tests.conftest import textured

Srkit = Callable[..., Result]
RANDOM = ("--set", "network={name: vgg16, weights: random}")


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Sharp pictures, others just as sharp, and blurred ones."""
    for name, seeds, radius in (("sharp", (1, 2, 3), 0), ("other", (4, 5, 6), 0), ("blurred", (7, 8, 9), 2)):
        (tmp_path / name).mkdir()
        for seed in seeds:
            picture = Image.fromarray(textured((48, 56), 3, seed)).filter(GaussianBlur(radius))
            picture.save(tmp_path / name / f"{seed}.png")
    return tmp_path


def figure(result: Result) -> float:
    assert result.exit_code == 0, result.output
    (line,) = (line for line in result.output.splitlines() if line.startswith("feature_distance "))
    return float(line.split()[1].rstrip(":"))


def test_pictures_of_a_kind_are_nearer_than_blurred_ones(folders: Path, srkit: Srkit) -> None:
    near = figure(srkit("distance", folders / "sharp", folders / "other", *RANDOM))
    far = figure(srkit("distance", folders / "sharp", folders / "blurred", *RANDOM))
    assert far > 2 * near
    assert figure(srkit("distance", folders / "sharp", folders / "sharp", *RANDOM)) == pytest.approx(0, abs=1e-3)


def test_a_degradation_is_judged_by_what_it_makes(folders: Path, srkit: Srkit) -> None:
    (folders / "small").mkdir()
    for path in (folders / "other").iterdir():
        image = Image.open(path)
        image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC).save(
            folders / "small" / path.name
        )
    arguments = ("distance", folders / "sharp", folders / "small", *RANDOM, "--scale", "2", "--degradation")
    bicubic = figure(srkit(*arguments, "bicubic"))
    blurred = figure(srkit(*arguments, "{name: gaussian, sigma: 4, size: 15}"))
    assert bicubic < blurred


def test_gray_pictures_count_as_gray_rgb(folders: Path, srkit: Srkit) -> None:
    for name in ("gray", "gray as rgb"):
        (folders / name).mkdir()
        for path in (folders / "sharp").iterdir():
            gray = Image.open(path).convert("L")
            (gray if name == "gray" else gray.convert("RGB")).save(folders / name / path.name)
    assert figure(srkit("distance", folders / "gray", folders / "gray as rgb", *RANDOM)) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--metric", "psnr"), "a metric of sets is needed"),
        (("--degradation", "bicubic"), "--degradation and --scale belong together"),
        (("--set", "network"), "write KEY=VALUE"),
        (("--set", "netwrk=3"), "netwrk"),
        (("--degradation", "3", "--scale", "2", *RANDOM), "expected a name, or a mapping with 'name'"),
        (("--degradation", "{sigma: 3}", "--scale", "2", *RANDOM), "expected a name, or a mapping with 'name'"),
        (("--degradation", "bicubicc", "--scale", "2", *RANDOM), "bicubic"),
    ],
)
def test_what_cannot_be_is_said_plainly(folders: Path, srkit: Srkit, arguments: tuple[str, ...], said: str) -> None:
    result = srkit("distance", folders / "sharp", folders / "other", *arguments)
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output


def test_pictures_of_five_bands_are_refused(folders: Path, srkit: Srkit) -> None:
    np.save(folders / "bands.npy", np.zeros((8, 8, 5), dtype=np.uint8))
    result = srkit("distance", folders / "bands.npy", folders / "other", *RANDOM)
    assert result.exit_code == 2
    assert "5 planes" in result.output
