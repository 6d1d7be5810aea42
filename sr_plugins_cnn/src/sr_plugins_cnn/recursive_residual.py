"""The residual branch of recursive networks: two convolutions that every recursion shares, normalised by each anew."""

from __future__ import annotations

from torch import Tensor, nn

from sr_plugins_cnn.convolutions import he_convolution


class PreActivated(nn.Module):
    """Batch normalisation, ReLU, convolution.

    Args:
        inputs: planes or maps that come in.
        outputs: maps that go out.
        kernel: side of the kernel, odd.
        bias: whether the convolution adds a bias.
        batch_norm: False for ReLU and convolution alone.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, *, bias: bool = True, batch_norm: bool = True
    ) -> None:
        super().__init__()
        self.bn = _normalisation(inputs, batch_norm=batch_norm)
        self.conv = he_convolution(inputs, outputs, kernel, bias=bias)

    def forward(self, features: Tensor) -> Tensor:
        """N×outputs×H×W from N×inputs×H×W."""
        result: Tensor = self.conv(self.bn(features).relu())
        return result


class RecursiveResidual(nn.Module):
    """(Batch normalisation, ReLU, 3×3 convolution) twice, what a recursion adds to its features.

    All recursions share both convolutions; each has normalisations of its own, since its features are spread in their
    own way.

    Args:
        width: maps, in and out.
        recursions: how many there are.
        bias: whether convolutions add a bias.
        batch_norm: False for ReLU and convolutions alone.
    """

    def __init__(self, width: int, recursions: int, *, bias: bool = True, batch_norm: bool = True) -> None:
        super().__init__()
        self.conv1 = he_convolution(width, width, bias=bias)
        self.conv2 = he_convolution(width, width, bias=bias)
        self.bn1 = nn.ModuleList(_normalisation(width, batch_norm=batch_norm) for _ in range(recursions))
        self.bn2 = nn.ModuleList(_normalisation(width, batch_norm=batch_norm) for _ in range(recursions))

    def forward(self, features: Tensor, recursion: int) -> Tensor:
        """What recursion number `recursion`, counted from 0, adds to `features`, N×F×H×W."""
        hidden = self.conv1(self.bn1[recursion](features).relu())
        added: Tensor = self.conv2(self.bn2[recursion](hidden).relu())
        return added


def _normalisation(maps: int, *, batch_norm: bool) -> nn.Module:
    return nn.BatchNorm2d(maps) if batch_norm else nn.Identity()
