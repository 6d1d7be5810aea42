"""Of a GIF the first frame is read; what is made of it is another format."""

from __future__ import annotations

import struct
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from sr_core.errors import PictureError
from sr_core.imaging.files import Picture, read_picture
from tests.unit.picture_files import noise

SAID = "holds several frames; only the first is read"


def palette_image(seed: int = 0) -> Image.Image:
    return Image.fromarray(noise((9, 13, 3), seed=seed)).quantize(16)


def test_palette_becomes_rgb(tmp_path: Path) -> None:
    palette_image().save(tmp_path / "in.gif")
    picture = read_picture(tmp_path / "in.gif")
    assert (picture.planes, picture.alpha, picture.bits) == (3, None, 8)
    np.testing.assert_array_equal(picture.to_array(), imagecodecs.gif_decode((tmp_path / "in.gif").read_bytes()))


def test_transparent_color_becomes_alpha(tmp_path: Path) -> None:
    image = palette_image()
    image.save(tmp_path / "in.gif", transparency=3)
    read = read_picture(tmp_path / "in.gif").to_array()
    np.testing.assert_array_equal(read[..., 3], np.where(np.asarray(image) == 3, 0, 255))
    np.testing.assert_array_equal(read[..., :3], np.asarray(image.convert("RGB")))


def test_gray_stays_one_channel(tmp_path: Path) -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(8, 32)
    Image.fromarray(levels).save(tmp_path / "in.gif")
    np.testing.assert_array_equal(read_picture(tmp_path / "in.gif").to_array(), levels)


def test_of_several_frames_the_first_is_read_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "film.gif"
    palette_image().save(path, save_all=True, append_images=[palette_image(1), palette_image(2)])
    np.testing.assert_array_equal(read_picture(path).to_array(), np.asarray(palette_image().convert("RGB")))
    assert caplog.messages == [f"{path}: {SAID}"]


def test_one_frame_is_not_remarked_upon(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    palette_image().save(tmp_path / "in.gif")
    read_picture(tmp_path / "in.gif")
    assert caplog.text == ""


def test_damaged_second_frame_does_not_lose_the_first(tmp_path: Path) -> None:
    path = tmp_path / "film.gif"
    palette_image().save(path, save_all=True, append_images=[palette_image(1)])
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"!\xf9\x04") + 2])
    np.testing.assert_array_equal(read_picture(path).to_array(), np.asarray(palette_image().convert("RGB")))


def test_first_frame_smaller_than_the_screen_is_surrounded_by_clear_pixels(tmp_path: Path) -> None:
    path = tmp_path / "in.gif"
    palette_image().save(path, transparency=0)
    content = bytearray(path.read_bytes())
    content[6:10] = struct.pack("<HH", 20, 30)  # the screen
    frame = content.index(b"\x2c\0\0\0\0\x0d\0\x09\0")
    content[frame + 1 : frame + 5] = struct.pack("<HH", 4, 6)  # the place of the frame
    path.write_bytes(content)
    read = read_picture(path).to_array()
    assert read.shape == (30, 20, 4)
    np.testing.assert_array_equal(read[6:15, 4:17, :3], np.asarray(palette_image().convert("RGB")))
    read[6:15, 4:17, 3] = 0
    assert read[..., 3].max() == 0


@pytest.mark.parametrize("screen", [(60000, 50000), (8, 8)])
def test_gif_bomb_is_refused_whether_the_screen_or_its_frame_is_huge(tmp_path: Path, screen: tuple[int, int]) -> None:
    path = tmp_path / "bomb.gif"
    header = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80, 0, 0) + bytes(6)
    path.write_bytes(header + b"\x2c" + struct.pack("<HHHHB", 0, 0, 60000, 50000, 0) + b"\x02\x02\x4c\x01\x00\x3b")
    with pytest.raises(PictureError, match=r"bomb\.gif: .*pixels"):
        read_picture(path)


def test_gif_is_not_written_and_the_message_says_what_is(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"out\.gif: GIF is read only; the name must end in \.png"):
        Picture.from_array(noise((4, 4, 3))).save(tmp_path / "out.gif")
