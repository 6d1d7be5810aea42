"""`srkit upscale`, and `upscale` from Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import Result
from PIL import Image

from sr_core import Picture, SrkitError, read_picture, upscale
from tests.conftest import Install, textured

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
        (["alpha.png", "-o", "x.png", "--scale", "2", "--tile", "15"], "a tile's side is 16 LR pixels or more, not 15"),
        (["alpha.png", "-o", "x.png", "--scale", "2", "--set", "order"], "--set order: write KEY=VALUE, as blocks=32"),
        (["alpha.png", "-o", "x.png", "--scale", "2", "--set", "order=["], "--set order"),
        (["alpha.png", "-o", "x.png", "--scale", "2", "--set", "order=3"], "unknown key 'order'"),
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


def broken(path: Path) -> Path:
    """A picture file whose end is missing."""
    Image.fromarray(textured((40, 40), 3, 5)).save(path)
    path.write_bytes(path.read_bytes()[:600])
    return path


def test_one_corrupt_picture_does_not_stop_the_others(srkit: Srkit, photographs: Path, tmp_path: Path) -> None:
    sources = [photographs / "alpha.png", broken(photographs / "b.png"), photographs / "gray.png"]
    done = srkit("upscale", *sources, "-o", tmp_path / "out", "--scale", "2")
    assert done.exit_code == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["alpha_x2.png", "gray_x2.png"]
    lines = done.output.splitlines()
    assert len(lines) == 3
    (complaint,) = [line for line in lines if "broken or truncated PNG file" in line]
    assert complaint.startswith(f"{photographs / 'b.png'}: ")


def test_one_corrupt_picture_alone_is_status_1(srkit: Srkit, tmp_path: Path) -> None:
    done = srkit("upscale", broken(tmp_path / "b.png"), "-o", tmp_path / "out.png", "--scale", "2")
    assert done.exit_code == 1
    assert len(done.output.splitlines()) == 1
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("source", ["photographs", "photographs/*.png", "photographs/**/[abg]*"])
def test_folders_and_patterns_are_enlarged_and_what_is_no_picture_is_passed_over(
    source: str, srkit: Srkit, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (photographs / "notes.txt").write_text("no picture", encoding="utf-8")
    broken(photographs / "b.png")
    monkeypatch.chdir(tmp_path)
    done = srkit("upscale", source, "-o", "out", "--scale", "2")
    assert done.exit_code == 1
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"alpha_x2.png", "beta_x2.png", "gray_x2.png"}
    assert len(done.output.splitlines()) == 4


def test_a_folder_without_pictures_is_a_mistake_before_the_work(srkit: Srkit, tmp_path: Path) -> None:
    done = srkit("upscale", tmp_path, "-o", tmp_path / "out", "--scale", "2")
    assert done.exit_code == 2
    assert "no pictures there" in done.output


def test_a_file_that_is_no_picture_among_pictures_is_one_line(srkit: Srkit, photographs: Path, tmp_path: Path) -> None:
    (photographs / "notes.txt").write_text("no picture", encoding="utf-8")
    done = srkit("upscale", *sorted(photographs.iterdir()), "-o", tmp_path / "out", "--scale", "2")
    assert done.exit_code == 1
    assert "notes.txt: does not hold a" in done.output
    assert len(list((tmp_path / "out").iterdir())) == 3


STRANGER = """
    from sr_core import Upsampler, hookimpl, resize, sr_size

    @hookimpl
    def srkit_register(registry):
        registry.upsampler("twice", "odd_stranger:Twice", summary="by 2, and RGB alone")
        registry.upsampler("fussy", "odd_stranger:Fussy", summary="fails where it is bright")

    class Twice(Upsampler):
        scales = frozenset({2})
        channels = 3

        def __call__(self, image, scale):
            return resize(image, scale, sr_size(image.shape[-2:], scale))

    class Fussy(Upsampler):
        def __call__(self, image, scale):
            if image.max() == 1:
                raise RuntimeError("too bright\\n  for me")
            return resize(image, scale, sr_size(image.shape[-2:], scale))
"""


def test_a_scale_the_method_does_not_take_is_a_mistake_before_the_work(
    srkit: Srkit, install: Install, photographs: Path, tmp_path: Path
) -> None:
    install("odd-stranger", "odd_stranger", STRANGER)
    done = srkit("upscale", photographs, "-o", tmp_path / "out", "--scale", "3", "--model", "twice")
    assert done.exit_code == 2
    assert done.output.strip() == "'twice' takes scale 2, not 3"


def test_a_picture_the_method_fails_on_does_not_stop_the_others(
    srkit: Srkit, install: Install, photographs: Path, tmp_path: Path
) -> None:
    install("odd-stranger", "odd_stranger", STRANGER)
    np.save(photographs / "bands.npy", np.zeros((5, 5, 7), np.uint8))
    Image.new("RGB", (5, 5), "white").save(photographs / "white.png")
    done = srkit("upscale", photographs, "-o", tmp_path / "twice", "--scale", "2", "--model", "twice")
    assert (done.exit_code, len(done.output.splitlines())) == (1, 5)
    assert f"{photographs / 'bands.npy'}: takes 3 planes, the picture has 7" in done.output
    done = srkit("upscale", photographs, "-o", tmp_path / "fussy", "--scale", "2", "--model", "fussy")
    assert (done.exit_code, len(done.output.splitlines())) == (1, 5)
    assert f"{photographs / 'white.png'}: RuntimeError: too bright for me" in done.output


def test_the_upscale_stage_of_a_run_goes_on_too_logs_the_failure_and_tells_it_at_the_end(
    srkit: Srkit, photographs: Path, tmp_path: Path
) -> None:
    broken(photographs / "b.png")
    spec = tmp_path / "spec.yaml"
    spec.write_text("name: a\nscale: 2\nupscale: {inputs: photographs, with: nearest}\n", encoding="utf-8")
    done = srkit("run", spec, "--output", tmp_path / "out")
    assert done.exit_code == 1
    assert len(list((tmp_path / "out/upscaled").iterdir())) == 3
    assert done.output.splitlines()[-1].startswith(f"{photographs / 'b.png'}: broken or truncated PNG file")
    log = [json.loads(line) for line in (tmp_path / "out/log.jsonl").read_text(encoding="utf-8").splitlines()]
    (failure,) = [line for line in log if line["event"] == "picture_failed"]
    assert failure["picture"] == str(photographs / "b.png")
    assert "broken or truncated" in failure["error"]
    assert log[-1]["event"] == "finished"


def test_quality_is_passed_on(srkit: Srkit, photographs: Path, tmp_path: Path) -> None:
    for quality in ("20", "90"):
        options = ["-o", tmp_path / f"{quality}.jpg", "--scale", "2", "--quality", quality]
        assert srkit("upscale", photographs / "alpha.png", *options).exit_code == 0
    assert (tmp_path / "20.jpg").stat().st_size < (tmp_path / "90.jpg").stat().st_size / 2


@pytest.mark.parametrize(
    ("quality", "complaint"),
    [("80", "alpha_x2.png: PNG has no quality to choose; JPEG and WebP have"), ("101", "101"), ("0", "0")],
)
def test_quality_that_cannot_be_is_a_mistake_before_the_work(
    quality: str, complaint: str, srkit: Srkit, photographs: Path, tmp_path: Path
) -> None:
    done = srkit("upscale", photographs, "-o", tmp_path / "out", "--scale", "2", "--quality", quality)
    assert done.exit_code == 2
    assert complaint in done.output
    assert not (tmp_path / "out").exists()


def test_what_is_made_of_a_gif_is_png(srkit: Srkit, photographs: Path, tmp_path: Path) -> None:
    with Image.open(photographs / "alpha.png") as opened:
        opened.quantize(16).save(tmp_path / "party.gif")
    done = srkit("upscale", tmp_path / "party.gif", "-o", tmp_path / "out", "--scale", "2")
    assert done.output.strip() == str(tmp_path / "out/party_x2.png")
    assert read_picture(tmp_path / "out/party_x2.png").size == (96, 120)


def test_two_sources_of_one_result_are_named(srkit: Srkit, photographs: Path, tmp_path: Path) -> None:
    with Image.open(photographs / "alpha.png") as opened:
        opened.quantize(16).save(photographs / "alpha.gif")
    done = srkit("upscale", photographs, "-o", tmp_path / "out", "--scale", "2")
    assert done.exit_code == 2
    assert "alpha.gif and" in done.output
    assert "the same name" in done.output


@pytest.mark.parametrize("suffix", [".tif", ".npy"])
def test_bands_and_floats_stay_what_they_are(srkit: Srkit, tmp_path: Path, suffix: str) -> None:
    samples = np.random.default_rng(0).normal(300, 100, (8, 6, 5)).astype(np.float32)
    Picture.from_array(samples).save(tmp_path / f"cube{suffix}")
    done = srkit("upscale", tmp_path / f"cube{suffix}", "-o", tmp_path / "out", "--scale", "2", "--model", "nearest")
    assert done.exit_code == 0, done.output
    made = read_picture(tmp_path / f"out/cube_x2{suffix}")
    assert made.bits == 32
    assert np.array_equal(made.to_array()[::2, ::2], samples)


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


@pytest.mark.parametrize(
    "picture",
    [np.zeros((4, 4), np.int64), np.zeros((4, 4, 3), bool), np.zeros((2, 4, 4, 3), np.uint8), torch.zeros(3, 4, 4), 7],
)
def test_from_python_what_is_no_picture_is_a_plain_error(picture: object) -> None:
    with pytest.raises(SrkitError, match="picture"):
        upscale(picture, 2)  # type: ignore[call-overload]


@pytest.mark.parametrize(("scale", "device"), [("2", "auto"), ([2, 2], "auto"), (2, "gpu")])
def test_from_python_odd_scales_and_devices_are_plain_errors(scale: object, device: str) -> None:
    with pytest.raises(SrkitError):
        upscale(textured((8, 8), 3, 0), scale, device=device)  # type: ignore[arg-type]


def test_from_python_a_tensor_can_go_on_into_training() -> None:
    weight = torch.ones(1, requires_grad=True)
    (upscale(torch.rand(1, 3, 8, 8), 2) * weight).sum().backward()
    assert weight.grad is not None


def test_the_original_is_never_overwritten(srkit: Srkit, photographs: Path) -> None:
    before = (photographs / "alpha.png").read_bytes()
    done = srkit("upscale", photographs / "alpha.png", "-o", photographs / "alpha.png", "--scale", "2")
    assert done.exit_code == 2
    assert "is the picture itself" in done.output
    assert (photographs / "alpha.png").read_bytes() == before


def test_an_output_that_ends_in_a_slash_is_a_folder(srkit: Srkit, photographs: Path, tmp_path: Path) -> None:
    done = srkit("upscale", photographs / "alpha.png", "-o", f"{tmp_path}/new.d/", "--scale", "2")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "new.d/alpha_x2.png").exists()


def test_parameters_are_set_as_those_of_a_run_are(srkit: Srkit, photographs: Path, tmp_path: Path) -> None:
    options = ("-o", tmp_path / "a.png", "--scale", "2", "--model", "spline", "--set", "order=0")
    assert srkit("upscale", photographs / "alpha.png", *options).exit_code == 0
    levels = read_picture(photographs / "alpha.png").to_array()
    assert np.array_equal(read_picture(tmp_path / "a.png").to_array(), levels.repeat(2, axis=0).repeat(2, axis=1))


def test_options_of_networks_do_nothing_for_an_upsampler_and_that_is_said(
    srkit: Srkit, photographs: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = ("-o", tmp_path / "a.png", "--scale", "2", "--tile", "16", "--precision", "bfloat16")
    assert srkit("upscale", photographs / "alpha.png", *options).exit_code == 0
    assert caplog.messages == ["'bicubic' is no network, for which alone there is: precision, tile"]
    caplog.clear()
    upscale(textured((8, 8), 3, 0), 2)
    assert not caplog.messages


@pytest.mark.parametrize("tile", [15, 0, -16, 32.0, True])
def test_from_python_a_tile_that_cannot_be_is_a_plain_error(tile: object) -> None:
    with pytest.raises(SrkitError, match="a tile's side is 16 LR pixels or more, not"):
        upscale(textured((8, 8), 3, 0), 2, tile=tile)  # type: ignore[arg-type]
