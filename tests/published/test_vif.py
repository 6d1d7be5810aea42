"""VIF of a photograph, against other programs on the same picture."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sr_core.evaluation.truth import round_to_8_bits
from sr_core.imaging.color import rgb_to_y
from sr_core.imaging.files import read_picture
from sr_core.imaging.resize import resize
from sr_core.metrics.vif import vif, vifp


def bicubic_and_truth(file: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Luma shrunk to a third and enlarged again, and luma, both in 8-bit levels."""
    image = read_picture(file).image.double()
    luma = rgb_to_y(image) if image.shape[1] == 3 else image
    sr = resize(resize(luma, 1 / 3), 3)[..., : luma.shape[-2], : luma.shape[-1]]
    return round_to_8_bits(sr), round_to_8_bits(luma)


@pytest.mark.parametrize(
    ("picture", "on_sub_bands", "on_pixels"),
    [
        ("Set5/HR/butterfly.png", 0.3590715543334, 0.4148100713996),
        ("Set5/HR/woman.png", 0.4508638866989, 0.5181359285397),
        ("Set14/HR/bridge.png", 0.3051081909306, 0.3305082161032),
        ("Set14/HR/ppt3.png", 0.3685995930057, 0.4010395673865),
    ],
)
def test_vif_is_that_of_other_programs(picture: str, on_sub_bands: float, on_pixels: float, data: Path) -> None:
    """On sub-bands by pyiqa 0.1.16 in float64; on pixels by torchmetrics 1.9.0, and by sewar 0.4.10 likewise."""
    sr, hr = bicubic_and_truth(data / picture)
    assert float(vif(sr, hr)) == pytest.approx(on_sub_bands, abs=1e-6)
    assert float(vifp(sr, hr)) == pytest.approx(on_pixels, abs=1e-6)
