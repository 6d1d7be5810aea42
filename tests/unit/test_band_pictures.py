"""Pictures of floating point and of any number of bands, in TIFF and in NumPy's files."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from sr_core import upscale
from sr_core.errors import PictureError
from sr_core.imaging.files import Picture, read_picture
from tests.unit.picture_files import Samples, noise, save_with_pillow


def heights(shape: tuple[int, ...]) -> Samples:
    """Floating point far from 0 … 1, as of a terrain or of reflected light."""
    return (np.random.default_rng(0).normal(300, 400, shape)).astype(np.float32)


SAMPLES: dict[str, Samples] = {
    "float gray": heights((7, 5)),
    "float RGB": heights((7, 5, 3)),
    "2 bands": noise((7, 5, 2)),
    "4 bands": noise((7, 5, 4), 16),
    "5 bands": noise((7, 5, 5)),
    "200 bands": noise((7, 5, 200), 16),
    "9 float bands": heights((7, 5, 9)),
    "one pixel": heights((1, 1, 6)),
    "one row": heights((1, 4000)),
}


# --- TIFF ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SAMPLES)
def test_tiff_of_bands_and_floats_is_read_and_written_in_full(tmp_path: Path, kind: str) -> None:
    samples = SAMPLES[kind]
    options: dict[str, Any] = {"photometric": "minisblack"}
    if samples.ndim == 3:
        options |= {"planarconfig": "contig", "extrasamples": ["unspecified"] * (samples.shape[2] - 1)}
    tifffile.imwrite(tmp_path / "in.tif", samples, **options)
    picture = read_picture(tmp_path / "in.tif")
    assert picture.planes == np.atleast_3d(samples).shape[2]
    assert picture.alpha is None
    assert picture.bits == 8 * samples.dtype.itemsize
    np.testing.assert_array_equal(picture.to_array(), samples)
    picture.save(tmp_path / "out.tif")
    np.testing.assert_array_equal(read_picture(tmp_path / "out.tif").to_array(), samples)
    by_libtiff = imagecodecs.tiff_decode((tmp_path / "out.tif").read_bytes())
    np.testing.assert_array_equal(by_libtiff, samples)


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "lzw"},
        {"compression": "zstd", "predictor": 3},
        {"compression": "adobe_deflate", "predictor": True},
        {"tile": (16, 16)},
        {"byteorder": ">"},
        {"bigtiff": True},
        {"planarconfig": "separate"},
    ],
    ids=str,
)
def test_float_bands_of_any_layout_are_read_in_full(tmp_path: Path, options: dict[str, Any]) -> None:
    samples = heights((20, 33, 6))
    stored = np.moveaxis(samples, 2, 0) if "planarconfig" in options else samples
    tifffile.imwrite(tmp_path / "in.tif", stored, photometric="minisblack", **{"planarconfig": "contig", **options})
    np.testing.assert_array_equal(read_picture(tmp_path / "in.tif").to_array(), samples)


@pytest.mark.parametrize("kind", [np.float16, np.float64])
def test_other_floats_are_kept_as_32_bit(tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: type) -> None:
    samples = heights((6, 5)).astype(kind)
    tifffile.imwrite(tmp_path / "in.tif", samples)
    picture = read_picture(tmp_path / "in.tif")
    assert picture.bits == 32
    np.testing.assert_array_equal(picture.to_array(), samples.astype(np.float32))
    assert ("kept as 32-bit" in caplog.text) == (kind is np.float64)


def test_pillows_float_picture_is_read_and_its_own_is_read_by_pillow(tmp_path: Path) -> None:
    samples = heights((6, 5))
    source = save_with_pillow(tmp_path / "in.tif", Image.fromarray(samples))
    read_picture(source).save(tmp_path / "out.tif")
    with Image.open(tmp_path / "out.tif") as written:
        np.testing.assert_array_equal(np.asarray(written), samples)


def test_red_green_blue_and_infrared_are_four_bands_without_opacity(tmp_path: Path) -> None:
    samples = noise((6, 5, 4), 16)
    tifffile.imwrite(tmp_path / "in.tif", samples, photometric="rgb", extrasamples=["unspecified"])
    picture = read_picture(tmp_path / "in.tif")
    assert (picture.planes, picture.alpha) == (4, None)
    np.testing.assert_array_equal(picture.to_array(), samples)


@pytest.mark.parametrize("samples", [noise((6, 5, 6)), heights((6, 5, 6))], ids=["integers", "floats"])
def test_opacity_beside_bands_is_kept_apart(tmp_path: Path, samples: Samples) -> None:
    extra = ["unspecified"] * 4 + ["unassalpha"]
    tifffile.imwrite(tmp_path / "in.tif", samples, photometric="minisblack", planarconfig="contig", extrasamples=extra)
    picture = read_picture(tmp_path / "in.tif")
    assert picture.planes == 5
    assert picture.alpha is not None
    picture.save(tmp_path / "out.tif")
    with tifffile.TiffFile(tmp_path / "out.tif") as written:
        assert [int(extra) for extra in written.pages.first.extrasamples] == [0, 0, 0, 0, 2]
        np.testing.assert_array_equal(written.pages.first.asarray(), samples)


def test_alpha_multiplied_into_floats_is_undone(tmp_path: Path) -> None:
    stored = np.array([[[1, 2, 4, 0.5], [0, 0, 0, 0], [3, 2, 1, 1]]], np.float32)
    tifffile.imwrite(tmp_path / "in.tif", stored, photometric="rgb", extrasamples=["assocalpha"])
    expected = [[[2, 4, 8, 0.5], [0, 0, 0, 0], [3, 2, 1, 1]]]
    np.testing.assert_array_equal(read_picture(tmp_path / "in.tif").to_array(), expected)


# --- NumPy -----------------------------------------------------------------------------------------------------

NPY_SAMPLES = {kind: samples for kind, samples in SAMPLES.items() if kind not in ("2 bands", "4 bands")} | {
    "8-bit gray": noise((7, 5)),
    "16-bit RGB": noise((7, 5, 3), 16),
    "RGB with alpha": noise((7, 5, 4)),
    "big-endian": noise((7, 5), 16).astype(">u2"),
    "by columns": np.asfortranarray(noise((7, 5, 3))),
}


@pytest.mark.parametrize("kind", NPY_SAMPLES)
def test_npy_is_read_and_written_in_full(tmp_path: Path, kind: str) -> None:
    samples = NPY_SAMPLES[kind]
    np.save(tmp_path / "in.npy", samples)
    picture = read_picture(tmp_path / "in.npy")
    assert picture.bits == 8 * samples.dtype.itemsize
    assert (picture.alpha is not None) == ("alpha" in kind)
    picture.save(tmp_path / "out.npy")
    again = np.load(tmp_path / "out.npy", allow_pickle=False)
    assert again.dtype == samples.dtype.newbyteorder("=")
    np.testing.assert_array_equal(again, samples)


def test_four_planes_of_npy_are_taken_as_opacity_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    np.save(tmp_path / "in.npy", noise((7, 5, 4)))
    read_picture(tmp_path / "in.npy")
    assert caplog.messages == [f"{tmp_path / 'in.npy'}: its 4 planes are taken as RGB and opacity"]


def test_planes_first_are_not_guessed_but_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    np.save(tmp_path / "in.npy", noise((3, 48, 64)))
    assert read_picture(tmp_path / "in.npy").size == (3, 48)
    assert "its shape (3, 48, 64) is taken as H x W x C: 64 planes" in caplog.text


def npy(header: str, data: bytes = b"", version: int = 1) -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text + data


def header(kind: str = "'<f4'", shape: str = "(2, 3)", order: str = "False") -> str:
    return f"{{'descr': {kind}, 'fortran_order': {order}, 'shape': {shape}, }}"


@pytest.mark.parametrize("version", [1, 2])
def test_npy_by_another_program_with_other_spaces(tmp_path: Path, version: int) -> None:
    text = '{"shape": (2,3),"fortran_order":False,  "descr":"<u2"}'
    (tmp_path / "in.npy").write_bytes(npy(text, np.arange(6, dtype="<u2").tobytes(), version))
    np.testing.assert_array_equal(read_picture(tmp_path / "in.npy").to_array(), [[0, 1, 2], [3, 4, 5]])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (npy(header("'|O'")), "holds samples of |O; supported are uint8, uint16 and floating point"),
        (npy(header("'<i4'")), "holds samples of <i4"),
        (npy(header("'<c8'")), "holds samples of <c8"),
        (npy(header("'<f16'")), "holds samples of <f16"),
        (npy(header("[('a', '<f4')]")), "holds samples of another kind"),
        (npy(header("'\x1b[31m'")), "holds samples of another kind"),
        (npy(header(shape="()")), "holds an array of shape (); a picture is H x W or H x W x C"),
        (npy(header(shape="(5,)")), "holds an array of shape (5,)"),
        (npy(header(shape="(1, 2, 3, 4)")), "holds an array of shape (1, 2, 3, 4)"),
        (npy(header(shape="(0, 3)")), "holds an array of shape (0, 3)"),
        (npy(header(shape="(-1, 3)")), "its header is damaged"),
        (npy(header(shape="(10**9, 3)")), "its header is damaged"),
        (npy(header(shape="(100000, 100000)")), "declares 10000000000 pixels (100000 x 100000)"),
        (npy(header(shape="(1000, 1000, 100000)")), "declares 100000000000 samples (1000 x 1000 x 100000)"),
        (npy(header(shape=f"({'9' * 5000}, 2)")), "broken or truncated NumPy file"),
        (npy(header(), bytes(23)), "it lacks a part of its samples"),
        (npy(header().ljust(20_000), bytes(24)), "its header is too long"),
        (npy("__import__('os').abort()"), "holds samples of another kind"),
        (npy("(" * 5000), "holds samples of another kind"),
        (b"\x93NUMPY", "broken or truncated NumPy file"),
        (b"\x93NUMPY\x07\x00" + bytes(100), "broken or truncated NumPy file"),
    ],
)
def test_hostile_npy_is_refused_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "in.npy").write_bytes(content)
    with pytest.raises(PictureError) as caught:
        read_picture(tmp_path / "in.npy")
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    stream = io.BytesIO()
    np.save(stream, np.array([[Trap()]]), allow_pickle=True)
    (tmp_path / "in.npy").write_bytes(stream.getvalue())
    with pytest.raises(PictureError, match=r"holds samples of \|O"):
        read_picture(tmp_path / "in.npy")
    assert not (tmp_path / "sprung").exists()


# --- between formats -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("suffix", "bits"), [(".png", 16), (".jpg", 8), (".webp", 8), (".bmp", 8)])
def test_floats_in_a_format_of_integers_are_cut_and_that_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, suffix: str, bits: int
) -> None:
    np.save(tmp_path / "in.npy", np.array([[-1, 0, 0.5, 1, 300]], np.float32).repeat(8, 0))
    path = tmp_path / f"out{suffix}"
    read_picture(tmp_path / "in.npy").save(path)
    name = {".jpg": "JPEG", ".webp": "WebP"}.get(suffix, suffix[1:].upper())
    said = f"{name} holds no floating point; written with {bits} bits, its values from -1 to 300 cut to 0 … 1"
    assert caplog.messages == [f"{path}: {said}"]
    if suffix == ".png":
        assert read_picture(path).to_array()[0].tolist() == [0, 0, 32768, 65535, 65535]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp"])
def test_bands_in_a_format_that_has_none_are_refused(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(PictureError, match=r"holds gray or RGB, not 7 planes; TIFF and NumPy can$"):
        Picture.from_array(noise((4, 4, 7))).save(tmp_path / f"out{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_samples_that_are_not_numbers_are_written_as_floats_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    samples = np.array([[1, np.nan, np.inf]], np.float32)
    for suffix in (".tif", ".npy"):
        Picture.from_array(samples).save(tmp_path / f"out{suffix}")
        np.testing.assert_array_equal(read_picture(tmp_path / f"out{suffix}").to_array(), samples)
    assert caplog.text.count("holds samples that are not numbers (NaN); written as they are") == 2


# --- enlarging -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["nearest", "bicubic", "lanczos3", "spline"])
def test_every_band_is_enlarged_as_if_it_were_alone(tmp_path: Path, model: str) -> None:
    samples = heights((8, 6, 5))
    tifffile.imwrite(tmp_path / "in.tif", samples, photometric="minisblack", planarconfig="contig")
    whole = upscale(tmp_path / "in.tif", 1.5, model, device="cpu")
    assert (whole.bits, whole.size, whole.planes) == (32, (12, 9), 5)
    for band in range(5):
        alone = upscale(samples[..., band], 1.5, model, device="cpu")
        np.testing.assert_allclose(whole.to_array()[..., band], alone, rtol=1e-5, atol=1e-3)


def test_arrays_of_any_number_of_planes_can_be_enlarged() -> None:
    assert upscale(noise((8, 6, 7), 16), 2, device="cpu").shape == (16, 12, 7)
    assert upscale(heights((8, 6, 7)), 2, device="cpu").dtype == np.float32
    assert upscale(torch.rand(1, 7, 8, 6), 2, device="cpu").shape == (1, 7, 16, 12)


def test_samples_that_are_not_finite_are_refused_before_they_spread() -> None:
    with pytest.raises(PictureError, match="not finite"):
        upscale(np.array([[1, np.nan], [2, 3]], np.float32), 2, device="cpu")
