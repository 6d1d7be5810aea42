"""ICC profile, EXIF and resolution go from the file that is read to the file that is written."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import ExifTags, Image, ImageCms, ImageOps

from sr_core import upscale
from sr_core.imaging.exif import MAX_BYTES, directory_bytes, parse_exif
from sr_core.imaging.files import Metadata, Picture, read_picture
from tests.unit.icc_profiles import display_p3, gray_gamma, printer
from tests.unit.picture_files import Samples, noise, png, read_by_another, save_with_pillow

KEEPING_ALL = [".png", ".jpg", ".webp", ".tif"]
KEEPING_DPI = [".png", ".jpg", ".tif", ".bmp"]
MAKER_NOTE = bytes(range(200))


def camera_notes(orientation: int = 1, size: tuple[int, int] = (9, 6), order: str = "<") -> bytes:
    """EXIF as a camera writes it, by Pillow: with exposure, place, maker's note, sizes and a preview behind it."""
    exif = Image.Exif()
    exif.endian = order
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "Kamera"
    exif[ExifTags.Base.Copyright] = "A. Nother"
    exif[ExifTags.Base.ImageWidth], exif[ExifTags.Base.ImageLength] = size
    exif[ExifTags.IFD.Exif] = {
        ExifTags.Base.ExifImageWidth: size[0],
        ExifTags.Base.ExifImageHeight: size[1],
        ExifTags.Base.ExposureTime: 0.004,
        ExifTags.Base.MakerNote: MAKER_NOTE,
        ExifTags.IFD.Interop: {1: "R98"},
    }
    exif[ExifTags.IFD.GPSInfo] = {1: "N", 2: (48.0, 8.0, 14.5)}
    return with_preview(exif.tobytes().removeprefix(b"Exif\0\0"), order)


def with_preview(notes: bytes, order: str) -> bytes:
    (count,) = struct.unpack_from(f"{order}H", notes, 8)
    end_of_directory = 10 + 12 * count
    preview = save_to_bytes(Image.new("RGB", (4, 4)), "JPEG")
    begin = len(notes) + 30
    second = struct.pack(f"{order}HHHIIHHIII", 2, 513, 4, 1, begin, 514, 4, 1, len(preview), 0)
    link = struct.pack(f"{order}I", len(notes))
    return notes[:end_of_directory] + link + notes[end_of_directory + 4 :] + second + preview


def save_to_bytes(image: Image.Image, name: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, name, **options)
    return stream.getvalue()


def notes_of(path: Path) -> dict[str, Any]:
    """What Pillow reads from a file's EXIF, directories within it included."""
    with Image.open(path) as image:
        exif = image.getexif()
        inner = {"camera": ExifTags.IFD.Exif, "place": ExifTags.IFD.GPSInfo, "interoperability": ExifTags.IFD.Interop}
        return {**exif, **{name: exif.get_ifd(number) for name, number in inner.items()}}


def enlarged(path: Path) -> Picture:
    picture: Picture = upscale(path, 2, "nearest", device="cpu")
    return picture


# --- EXIF ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("target", KEEPING_ALL)
@pytest.mark.parametrize("source", [".png", ".jpg", ".webp"])
def test_what_the_camera_noted_is_in_the_enlarged_picture(
    tmp_path: Path, source: str, target: str, order: str, caplog: pytest.LogCaptureFixture
) -> None:
    image = Image.fromarray(noise((6, 9, 3)))
    read_from = save_with_pillow(tmp_path / f"in{source}", image, exif=b"Exif\0\0" + camera_notes(order=order))
    enlarged(read_from).save(tmp_path / f"out{target}")
    notes = notes_of(tmp_path / f"out{target}")
    assert (notes[ExifTags.Base.Make], notes[ExifTags.Base.Copyright]) == ("Kamera", "A. Nother")
    assert notes["camera"][ExifTags.Base.ExposureTime] == pytest.approx(0.004)
    assert notes["camera"][ExifTags.Base.MakerNote] == MAKER_NOTE
    assert notes["place"] == {1: "N", 2: (48.0, 8.0, 14.5)}
    assert notes["interoperability"] == {1: "R98"}
    assert caplog.text == ""


@pytest.mark.parametrize("target", KEEPING_ALL)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_enlarged_picture_is_upright_says_so_and_tells_its_true_size(
    tmp_path: Path, orientation: int, target: str
) -> None:
    image = Image.fromarray(noise((6, 9, 3)).repeat(8, 0).repeat(8, 1))
    exif = b"Exif\0\0" + camera_notes(orientation, image.size)
    source = save_with_pillow(tmp_path / "in.jpg", image, exif=exif)
    with Image.open(source) as opened:
        upright = np.asarray(ImageOps.exif_transpose(opened))
    enlarged(source).save(tmp_path / f"out{target}")
    notes, (height, width) = notes_of(tmp_path / f"out{target}"), (2 * upright.shape[0], 2 * upright.shape[1])
    assert notes.get(ExifTags.Base.Orientation, 1) == 1
    assert notes["camera"][ExifTags.Base.ExifImageWidth] == width
    assert notes["camera"][ExifTags.Base.ExifImageHeight] == height
    assert notes.get(ExifTags.Base.ImageWidth, width) == width
    with Image.open(tmp_path / f"out{target}") as written:
        assert ImageOps.exif_transpose(written).size == (width, height)
    if target != ".jpg":
        np.testing.assert_array_equal(read_picture(tmp_path / f"out{target}").to_array()[::2, ::2], upright)


@pytest.mark.parametrize("target", [".png", ".jpg", ".webp"])
def test_the_cameras_preview_of_the_small_picture_is_dropped(tmp_path: Path, target: str) -> None:
    notes = b"Exif\0\0" + camera_notes()
    assert b"\xff\xd8" in notes
    source = save_with_pillow(tmp_path / "in.jpg", noise((6, 9, 3)), exif=notes)
    picture = read_picture(source)
    assert picture.metadata.exif is not None
    assert b"\xff\xd8" not in picture.metadata.exif
    picture.save(tmp_path / f"out{target}")
    with Image.open(tmp_path / f"out{target}") as written:
        assert written.getexif().get_ifd(ExifTags.IFD.IFD1) == {}


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("target", [".png", ".jpg", ".tif"])
def test_notes_of_a_tiff_file_come_along(tmp_path: Path, bits: int, target: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.ImageDescription] = "Scanner", "a caption"
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.DateTimeOriginal: "2020:01:02 03:04:05"}
    image = Image.fromarray(noise((6, 9), bits))
    source = save_with_pillow(tmp_path / "in.tif", image, exif=exif.tobytes())
    enlarged(source).save(tmp_path / f"out{target}")
    notes = notes_of(tmp_path / f"out{target}")
    assert (notes[ExifTags.Base.Make], notes[ExifTags.Base.ImageDescription]) == ("Scanner", "a caption")
    assert notes["camera"][ExifTags.Base.DateTimeOriginal] == "2020:01:02 03:04:05"


def test_tiff_with_notes_is_still_read_by_another_program(tmp_path: Path) -> None:
    samples = noise((6, 9, 3), 16)
    metadata = Metadata(icc=display_p3(), exif=camera_notes(order=">"), dpi=(300, 300))
    replace(Picture.from_array(samples), metadata=metadata).save(tmp_path / "out.tif")
    np.testing.assert_array_equal(read_by_another(tmp_path / "out.tif"), samples)
    with tifffile.TiffFile(tmp_path / "out.tif") as tiff:
        page = tiff.pages.first
        np.testing.assert_array_equal(page.asarray(), samples)
        assert page.tags["Make"].value == "Kamera"
        assert page.tags["ExifTag"].value["MakerNote"] == MAKER_NOTE
        assert page.tags["GPSTag"].value["GPSLatitudeRef"] == "N"


def test_a_programs_description_of_its_own_tiff_file_is_not_passed_on(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "in.tif", noise((6, 9)), imagej=True)
    enlarged(tmp_path / "in.tif").save(tmp_path / "out.tif")
    assert b"ImageJ" not in (tmp_path / "out.tif").read_bytes()


def test_one_damaged_note_costs_only_itself_and_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    entries = struct.pack("<HHII", 0x010F, 2, 500, 9999)  # the maker's name is said to lie behind the end
    entries += struct.pack("<HHI4s", 0x0131, 2, 4, b"abc\0")
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4)
    enlarged(save_with_pillow(tmp_path / "in.jpg", noise((8, 8, 3)), exif=exif)).save(tmp_path / "out.jpg")
    assert notes_of(tmp_path / "out.jpg")[ExifTags.Base.Software] == "abc"
    assert "in.jpg: its EXIF is damaged in part; the rest was kept" in caplog.text
    assert caplog.text.count("\n") == 1


def test_damaged_notes_of_a_tiff_file_do_not_lose_the_picture(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "in.tif"
    replace(Picture.from_array(noise((6, 9), 16)), metadata=Metadata(exif=camera_notes())).save(path)
    content = bytearray(path.read_bytes())
    pointer = content.index(struct.pack("<HHI", ExifTags.IFD.Exif, 4, 1))
    content[pointer + 8 : pointer + 12] = b"\xf0\xff\xff\xff"
    path.write_bytes(content)
    picture = read_picture(path)
    np.testing.assert_array_equal(picture.to_array(), noise((6, 9), 16))
    assert caplog.messages == [f"{path}: its EXIF is damaged in part; the rest was kept"]


def test_notes_that_overlap_do_not_grow_without_bounds() -> None:
    entries = b"".join(struct.pack("<HHII", tag, 7, 60_000, 8) for tag in range(5000))
    notes = b"II*\0" + struct.pack("<IH", 8, 5000) + entries + bytes(4)
    parsed = parse_exif(notes)
    assert parsed.is_damaged
    assert len(directory_bytes(parsed.directory, parsed.order, 8)) < 2 * MAX_BYTES


def test_notes_too_long_for_jpeg_are_left_out_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "x" * 70_000
    source = save_with_pillow(tmp_path / "in.png", noise((6, 9, 3)), exif=exif)
    read_picture(source).save(tmp_path / "out.jpg")
    assert notes_of(tmp_path / "out.jpg")["camera"] == {}
    assert "out.jpg: JPEG cannot hold its EXIF; left out" in caplog.text


# --- ICC profiles ----------------------------------------------------------------------------------------------


def stored_profile(path: Path) -> bytes | None:
    with Image.open(path) as image:
        profile: bytes | None = image.info.get("icc_profile")
        return profile


def in_srgb(path: Path) -> Samples:
    """The colours one sees, through the profile the file carries."""
    with Image.open(path) as image:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        shown = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"))
        return np.asarray(shown).astype(int)


@pytest.mark.parametrize("target", KEEPING_ALL)
@pytest.mark.parametrize("source", KEEPING_ALL)
def test_display_p3_stays_p3_and_its_samples_are_not_touched(tmp_path: Path, source: str, target: str) -> None:
    samples = np.dstack([noise((8, 8))] * 3)  # gray: JPEG keeps it nearly
    read_from = save_with_pillow(tmp_path / f"in{source}", samples, icc_profile=display_p3(), quality=100)
    small = read_picture(read_from).to_array()
    enlarged(read_from).save(tmp_path / f"out{target}")
    assert stored_profile(tmp_path / f"out{target}") == display_p3()
    if target != ".jpg":
        with Image.open(tmp_path / f"out{target}") as written:
            np.testing.assert_array_equal(np.asarray(written)[::2, ::2], small)
        np.testing.assert_array_equal(in_srgb(tmp_path / f"out{target}")[::2, ::2], in_srgb(read_from))


@pytest.mark.parametrize("target", [".png", ".tif"])
@pytest.mark.parametrize("source", [".png", ".tif"])
def test_16_bit_pictures_keep_profile_notes_and_resolution(tmp_path: Path, source: str, target: str) -> None:
    metadata = Metadata(icc=display_p3(), exif=camera_notes(), dpi=(300, 300))
    samples = noise((6, 9, 3), 16)
    replace(Picture.from_array(samples), metadata=metadata).save(tmp_path / f"in{source}")
    read_picture(tmp_path / f"in{source}").save(tmp_path / f"out{target}")
    np.testing.assert_array_equal(read_picture(tmp_path / f"out{target}").to_array(), samples)
    with Image.open(tmp_path / f"out{target}") as written:
        assert written.info["icc_profile"] == display_p3()
        assert written.info["dpi"] == pytest.approx((300, 300), abs=0.01)
        assert written.getexif()[ExifTags.Base.Make] == "Kamera"


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_gray_picture_keeps_its_gray_profile(tmp_path: Path, suffix: str) -> None:
    source = save_with_pillow(tmp_path / f"in{suffix}", noise((8, 8)), icc_profile=gray_gamma())
    enlarged(source).save(tmp_path / f"out{suffix}")
    assert stored_profile(tmp_path / f"out{suffix}") == gray_gamma()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
@pytest.mark.parametrize(
    ("shape", "profile", "said"),
    [
        ((8, 8), display_p3(), "its ICC profile is for RGB, the picture is gray; it was left out"),
        ((8, 8, 3), gray_gamma(), "its ICC profile is for gray, the picture is RGB; it was left out"),
        ((8, 8, 3), display_p3()[:-1], "its ICC profile is damaged; it was left out"),
        ((8, 8, 3), bytes(300), "its ICC profile is damaged; it was left out"),
    ],
)
def test_profile_that_does_not_fit_is_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, suffix: str, shape: tuple[int, ...], profile: bytes, said: str
) -> None:
    source = save_with_pillow(tmp_path / f"in{suffix}", noise(shape), icc_profile=profile)
    picture = read_picture(source)
    assert picture.metadata.icc is None
    assert caplog.messages == [f"{source}: {said}"]
    picture.save(tmp_path / f"out{suffix}")
    assert stored_profile(tmp_path / f"out{suffix}") is None


def test_gray_profile_does_not_go_into_webp_which_stores_rgb(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = save_with_pillow(tmp_path / "in.png", noise((8, 8)), icc_profile=gray_gamma())
    read_picture(source).save(tmp_path / "out.webp")
    assert stored_profile(tmp_path / "out.webp") is None
    assert "out.webp: its ICC profile is for gray, the picture is RGB; it was left out" in caplog.text


def test_profile_of_a_pillow_image_comes_along() -> None:
    image = Image.fromarray(noise((4, 4, 3)))
    image.info["icc_profile"] = display_p3()
    assert upscale(image, 2, device="cpu").info["icc_profile"] == display_p3()


@pytest.mark.parametrize(("chunk", "said"), [("iCCP", "ICC profile"), ("eXIf", "EXIF"), ("tRNS", "transparency")])
def test_png_with_a_wrong_checksum_in_a_note_loses_only_that(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, chunk: str, said: str
) -> None:
    content = bytearray(png(2, 8, (2, 1), b"\x00" + bytes(range(6)), **{chunk: b"123456"}))
    content[content.index(chunk.encode()) + 6] ^= 1
    (tmp_path / "in.png").write_bytes(content)
    np.testing.assert_array_equal(read_picture(tmp_path / "in.png").to_array(), [[[0, 1, 2], [3, 4, 5]]])
    assert f"its {said} is damaged and was ignored" in caplog.text


def test_png_with_text_that_unpacks_to_100_megabytes_is_read(tmp_path: Path) -> None:
    import zlib

    bomb = b"Comment\0\0" + zlib.compress(bytes(10**8), 9)
    profile = b"ICC\0\0" + zlib.compress(bytes(10**8), 9)
    (tmp_path / "in.png").write_bytes(png(2, 8, (2, 1), b"\x00" + bytes(6), zTXt=bomb, iCCP=profile))
    picture = read_picture(tmp_path / "in.png")
    assert (picture.size, picture.metadata.icc) == ((1, 2), None)


# --- resolution ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", KEEPING_DPI)
@pytest.mark.parametrize("source", KEEPING_DPI)
def test_resolution_is_kept(tmp_path: Path, source: str, target: str) -> None:
    read_from = save_with_pillow(tmp_path / f"in{source}", noise((6, 9, 3)), dpi=(300, 150))
    enlarged(read_from).save(tmp_path / f"out{target}")
    with Image.open(tmp_path / f"out{target}") as written:
        assert written.info["dpi"] == pytest.approx((300, 150), abs=0.05)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_resolution_turns_with_the_picture(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    source = save_with_pillow(tmp_path / f"in{suffix}", noise((6, 9, 3)), dpi=(300, 150), exif=exif)
    assert read_picture(source).metadata.dpi == pytest.approx((150, 300), abs=0.05)


def test_resolution_that_stands_in_exif_alone_is_found(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.XResolution], exif[ExifTags.Base.YResolution] = 100.0, 50.0
    exif[ExifTags.Base.ResolutionUnit] = 3  # a centimetre
    source = save_with_pillow(tmp_path / "in.webp", noise((6, 9, 3)), exif=exif)
    read_picture(source).save(tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as written:
        assert written.info["dpi"] == pytest.approx((254, 127), abs=0.05)


def test_webp_keeps_the_resolution_that_exif_tells(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.XResolution], exif[ExifTags.Base.YResolution] = 300.0, 150.0
    source = save_with_pillow(tmp_path / "in.png", noise((6, 9, 3)), exif=exif)
    read_picture(source).save(tmp_path / "out.webp")
    notes = notes_of(tmp_path / "out.webp")
    assert (notes[ExifTags.Base.XResolution], notes[ExifTags.Base.YResolution]) == (150, 300)  # it was turned
    assert caplog.text == ""


def test_picture_without_resolution_gets_none(tmp_path: Path) -> None:
    for suffix in KEEPING_ALL:
        Picture.from_array(noise((4, 4, 3))).save(tmp_path / f"out{suffix}")
        assert read_picture(tmp_path / f"out{suffix}").metadata == Metadata()


# --- what a format cannot hold ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "left_out"),
    [
        (".bmp", "BMP cannot hold its ICC profile and EXIF; left out"),
        (".npy", "NumPy cannot hold its ICC profile and EXIF and resolution (DPI); left out"),
        (".webp", None),
    ],
)
def test_what_the_format_cannot_hold_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, suffix: str, left_out: str | None
) -> None:
    exif = parse_exif(camera_notes())
    metadata = Metadata(icc=display_p3(), exif=exif.to_bytes(), dpi=(300, 300))
    path = tmp_path / f"out{suffix}"
    replace(Picture.from_array(noise((6, 9, 3))), metadata=metadata).save(path)
    expected = left_out or "WebP cannot hold its resolution (DPI); left out"
    assert caplog.messages == [f"{path}: {expected}"]


def test_bands_take_no_profile(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tifffile.imwrite(
        tmp_path / "in.tif", noise((6, 9, 5)), photometric="minisblack", planarconfig="contig", iccprofile=display_p3()
    )
    assert read_picture(tmp_path / "in.tif").metadata.icc is None
    assert "its ICC profile is for RGB, the picture is 5 planes; it was left out" in caplog.text


@pytest.mark.parametrize("exif", [b"", b"no EXIF", b"II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*"])
@pytest.mark.parametrize("suffix", KEEPING_ALL)
def test_notes_that_are_none_do_not_lose_the_picture(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, exif: bytes, suffix: str
) -> None:
    picture = Picture(torch.zeros(1, 3, 4, 4), metadata=Metadata(exif=exif, icc=b"none", dpi=(0, -1)))
    picture.save(tmp_path / f"out{suffix}")
    assert read_picture(tmp_path / f"out{suffix}").size == (4, 4)
    assert "its EXIF is damaged and was ignored" in caplog.text
    assert "its ICC profile is damaged" in caplog.text


def test_print_profile_is_never_put_on_rgb(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    inks = printer(lambda c, m, y, k: (100 - 25 * (c + m + y + k), 0, 0))
    save_with_pillow(tmp_path / "in.png", noise((4, 4, 3)), icc_profile=inks)
    assert read_picture(tmp_path / "in.png").metadata.icc is None
    assert "its ICC profile is for CMYK, the picture is RGB" in caplog.text
