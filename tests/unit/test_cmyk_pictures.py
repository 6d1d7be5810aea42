"""Pictures of printing inks become RGB: through their ICC profile, or by the plain formula; it is said once."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from sr_core.imaging.files import Picture, read_picture
from tests.unit.icc_profiles import Lab, display_p3, printer
from tests.unit.picture_files import Samples, noise, save_with_pillow

BY_FORMULA = "holds CMYK without a profile; converted to RGB by the plain formula"
BY_PROFILE = "holds CMYK; converted to sRGB through its ICC profile"
DAMAGED = "holds CMYK with a useless ICC profile; converted to RGB by the plain formula"


def odd_inks(cyan: float, magenta: float, yellow: float, black: float) -> Lab:
    """Inks unlike any real ones: a conversion that ignores the profile is far off."""
    return 95 - 20 * (cyan + magenta + yellow) - 30 * black, 40 * cyan - 30 * yellow, 50 * magenta - 20 * cyan


def inks_image(inks: Samples) -> Image.Image:
    return Image.frombytes("CMYK", (inks.shape[1], inks.shape[0]), inks.tobytes())


def by_textbook(inks: Samples) -> Samples:
    """R = (1 − C) · (1 − K), and so on."""
    share = 1 - inks / np.iinfo(inks.dtype).max
    return share[..., :3] * share[..., 3:]


def smooth(shape: tuple[int, int]) -> Samples:
    """Inks that JPEG keeps nearly."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    planes = [rows * 4, columns * 3, rows + columns, (rows - columns) % 64]
    return np.stack(planes, axis=-1).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("bits", [8, 16])
def test_without_a_profile_the_plain_formula_is_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, bits: int
) -> None:
    inks, path = noise((9, 7, 4), bits), tmp_path / "print.tif"
    tifffile.imwrite(path, inks, photometric="separated")
    picture = read_picture(path)
    assert picture.bits == bits
    np.testing.assert_allclose(picture.to_array(), by_textbook(inks) * (2**bits - 1), atol=0.501)
    assert caplog.messages == [f"{path}: {BY_FORMULA}"]


def test_formula_is_exact_at_the_ends(tmp_path: Path) -> None:
    inks = np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 255, 0], [0, 0, 0, 255], [255] * 4]], np.uint8)
    tifffile.imwrite(tmp_path / "print.tif", inks, photometric="separated")
    expected = [[[255] * 3, [0, 255, 255], [255, 0, 0], [0] * 3, [0] * 3]]
    np.testing.assert_array_equal(read_picture(tmp_path / "print.tif").to_array(), expected)


@pytest.mark.parametrize("mode", ["baseline", "progressive"])
def test_jpeg_of_inks_is_read_as_pillow_reads_it(tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: str) -> None:
    inks = smooth((32, 48))
    path = save_with_pillow(tmp_path / "print.jpg", inks_image(inks), quality=95, progressive=mode == "progressive")
    with Image.open(path) as opened:
        stored = np.asarray(opened)
    np.testing.assert_allclose(stored.astype(int), inks, atol=24)  # it is JPEG
    np.testing.assert_allclose(read_picture(path).to_array(), by_textbook(stored) * 255, atol=0.501)
    assert caplog.messages == [f"{path}: {BY_FORMULA}"]


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_with_a_profile_the_colors_are_those_of_another_program(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, suffix: str
) -> None:
    path = save_with_pillow(tmp_path / f"print{suffix}", inks_image(smooth((32, 48))), icc_profile=printer(odd_inks))
    with Image.open(path) as opened:
        expected = ImageCms.profileToProfile(
            opened,
            ImageCms.ImageCmsProfile(io.BytesIO(printer(odd_inks))),
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        far_off = by_textbook(np.asarray(opened)) * 255
    picture = read_picture(path)
    np.testing.assert_allclose(picture.to_array().astype(int), np.asarray(expected), atol=1)
    assert np.abs(picture.to_array() - far_off).mean() > 10
    assert caplog.messages == [f"{path}: {BY_PROFILE}"]
    assert picture.metadata.icc is None  # what is written is sRGB


def test_16_bit_inks_go_through_the_profile_in_16_bits(tmp_path: Path) -> None:
    inks = noise((8, 8, 4))
    for name, samples in (("8.tif", inks), ("16.tif", inks.astype(np.uint16) * 257)):
        tifffile.imwrite(tmp_path / name, samples, photometric="separated", iccprofile=printer(odd_inks))
    deep, plain = read_picture(tmp_path / "16.tif"), read_picture(tmp_path / "8.tif")
    assert deep.bits == 16
    np.testing.assert_allclose(deep.image, plain.image, atol=0.6 / 255)
    assert np.unique(deep.to_array() % 257).size > 1


@pytest.mark.parametrize("profile", [b"no profile", bytes(500), display_p3(), printer(odd_inks)[:-50]])
def test_useless_profile_does_not_lose_the_picture(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, profile: bytes
) -> None:
    inks, path = noise((6, 6, 4)), tmp_path / "print.tif"
    tifffile.imwrite(path, inks, photometric="separated", iccprofile=profile)
    np.testing.assert_allclose(read_picture(path).to_array(), by_textbook(inks) * 255, atol=0.501)
    assert caplog.messages == [f"{path}: {DAMAGED}"]


def test_opacity_beside_inks_is_kept(tmp_path: Path) -> None:
    samples, path = noise((6, 6, 5)), tmp_path / "print.tif"
    tifffile.imwrite(path, samples, photometric="separated", extrasamples=["unassalpha"], planarconfig="contig")
    read = read_picture(path).to_array()
    np.testing.assert_allclose(read[..., :3], by_textbook(samples[..., :4]) * 255, atol=0.501)
    np.testing.assert_array_equal(read[..., 3], samples[..., 4])


def test_inks_other_than_printers_four_are_bands(tmp_path: Path) -> None:
    samples, path = noise((6, 6, 4)), tmp_path / "print.tif"
    tifffile.imwrite(path, samples, photometric="separated", extratags=[(332, 3, 1, 2, True)])
    np.testing.assert_array_equal(read_picture(path).to_array(), samples)
    assert read_picture(path).planes == 4


def test_written_picture_is_rgb(tmp_path: Path) -> None:
    source = save_with_pillow(tmp_path / "in.jpg", inks_image(smooth((16, 16))), icc_profile=printer(odd_inks))
    read_picture(source).save(tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as written:
        assert (written.mode, "icc_profile" in written.info) == ("RGB", False)


def test_pillow_image_of_inks_becomes_rgb(caplog: pytest.LogCaptureFixture) -> None:
    inks = noise((5, 6, 4))
    picture = Picture.from_pil(inks_image(inks))
    np.testing.assert_allclose(picture.to_array(), by_textbook(inks) * 255, atol=0.501)
    assert caplog.messages == [f"a Pillow image: {BY_FORMULA}"]
