"""The convolution of most papers: it keeps the size, and starts as He et al. (ICCV 2015) start it."""

from __future__ import annotations

from torch import nn

from sr_plugins_cnn.picture_convolution import FEW_PLANES, PictureConvolution


def he_convolution(
    inputs: int,
    outputs: int,
    kernel: int = 3,
    *,
    bias: bool = True,
    negative_slope: float = 0.0,
    dilation: int = 1,
) -> nn.Conv2d:
    """A convolution padded by zeros to keep the size, weights N(0, 2 / ((1 + slope²) fan-in)), biases at 0.

    Args:
        inputs: planes or maps that come in.
        outputs: maps that go out.
        kernel: side of the kernel, odd.
        bias: whether it adds a bias.
        negative_slope: of the leaky rectifier around it; 0 for ReLU, 1 for none.
        dilation: pixels from one tap of the kernel to the next.
    """
    layer: nn.Conv2d
    if outputs <= FEW_PLANES and dilation == 1:
        layer = PictureConvolution(inputs, outputs, kernel, bias=bias)
    else:
        layer = nn.Conv2d(inputs, outputs, kernel, padding=dilation * (kernel // 2), dilation=dilation, bias=bias)
    nn.init.kaiming_normal_(layer.weight, a=negative_slope)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
