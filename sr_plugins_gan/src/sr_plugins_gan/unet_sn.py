"""Real-ESRGAN's discriminator: a U-Net with spectral normalisation, which judges every pixel."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from sr_core import Discriminator, full_precision
from sr_core.imaging.padding import continued
from sr_plugins_gan.judging import refuse_smaller
from sr_plugins_gan.planes import Planes, Width, plane_count

_MULTIPLE = 8
_LEAST = 8


class UNetSN(Discriminator):
    """Three times halved and doubled again, with skips, and a verdict for each pixel (Wang et al., ICCVW 2021).

    Wiring, names of layers and first weights (PyTorch's own) are those of BasicSR's UNetDiscriminatorSN; its files do
    not load, as weights and their norms have other names there. All convolutions but the first and the last have
    spectral normalisation (Miyato et al., ICLR 2018) and no bias. Where a side is no multiple of 8, the picture is
    continued by its last pixels at the bottom and at the right, and the verdicts on these are cut off.

    Args:
        width: maps of the first layer; the widest has 8 times as many.
        skips: whether maps from before are added to those after each doubling.
        channels: `y`, `rgb` or a number of planes.
    """

    def __init__(self, width: Width = 64, skips: bool = True, channels: Planes = "rgb") -> None:
        super().__init__()
        self.channels = channels
        self._skips = skips
        self.conv0 = nn.Conv2d(plane_count(channels), width, 3, padding=1)
        self.conv1 = _halving(width, 2 * width)
        self.conv2 = _halving(2 * width, 4 * width)
        self.conv3 = _halving(4 * width, 8 * width)
        self.conv4 = _keeping(8 * width, 4 * width)
        self.conv5 = _keeping(4 * width, 2 * width)
        self.conv6 = _keeping(2 * width, width)
        self.conv7 = _keeping(width, width)
        self.conv8 = _keeping(width, width)
        self.conv9 = nn.Conv2d(width, 1, 3, padding=1)

    def stages(self, image: Tensor) -> Sequence[Tensor]:
        """The maps after each convolution of pictures N×C×H×W, and the verdicts N×1×H×W.

        Raises:
            SrkitError: a side is smaller than 8.
        """
        refuse_smaller(image, _LEAST, "discriminator 'unet_sn'")
        rows, columns = image.shape[-2:]
        with full_precision(continued(image, _MULTIPLE)) as (image,):
            maps = [_leaky(self.conv0(image))]
        for layer in (self.conv1, self.conv2, self.conv3):
            maps.append(_leaky(layer(maps[-1])))
        for layer, before in zip((self.conv4, self.conv5, self.conv6), maps[2::-1], strict=True):
            doubled = F.interpolate(maps[-1], scale_factor=2, mode="bilinear", align_corners=False)
            made = _leaky(layer(doubled))
            maps.append(made + before.to(made.dtype) if self._skips else made)
        for layer in (self.conv7, self.conv8):
            maps.append(_leaky(layer(maps[-1])))
        with full_precision(maps[-1]) as (last,):
            return [*maps, self.conv9(last)[..., :rows, :columns]]


def _halving(inputs: int, outputs: int) -> nn.Module:
    return spectral_norm(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False))


def _keeping(inputs: int, outputs: int) -> nn.Module:
    return spectral_norm(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False))


def _leaky(maps: Tensor) -> Tensor:
    return F.leaky_relu(maps, 0.2, inplace=True)
