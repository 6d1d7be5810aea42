"""Multiply-adds for a 1280×720 result, against the table of CARN (Ahn et al., ECCV 2018) and against hand counts."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from sr_core import Model, Scale
from sr_core.discovery import discover
from sr_core.evaluation.cost import count_multiply_adds
from sr_core.field_map import field_map
from sr_plugins_cnn.carn import CARN, CARNM
from sr_plugins_cnn.espcn import ESPCN
from sr_plugins_cnn.fsrcnn import FSRCNN
from sr_plugins_cnn.srcnn import SRCNN

SR_PIXELS = 1280 * 720


@pytest.mark.parametrize(
    ("name", "variant", "published"),
    [
        ("srcnn", "SRCNN 9-5-5", 52.7),
        ("vdsr", "VDSR", 612.6),
        ("drcn", "DRCN", 17_974.3),
        ("drrn", "DRRN B1U25", 6_796.9),
        # The table has one of its six last layers.
        ("memnet", "MemNet M6R6", 2_662.4 + 5 * 9 * 64 * SR_PIXELS / 1e9),
    ],
)
def test_networks_on_the_enlarged_picture_cost_what_the_table_says(name: str, variant: str, published: float) -> None:
    """At every scale."""
    registry = discover().registry
    (found,) = (v for v in field_map(registry, [registry.get("model", name)]) if v.name == variant)
    for cost in found.costs:
        assert cost.multiply_adds is not None
        assert cost.multiply_adds / 1e9 == pytest.approx(published, abs=0.06)


def test_a_1x1_layer_counts_each_weight_once_a_pixel() -> None:
    assert count_multiply_adds(SRCNN(1), 2) == 8_032 * SR_PIXELS


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_networks_on_lr_form_each_weight_s_product_once_for_each_lr_pixel(scale: int) -> None:
    assert count_multiply_adds(FSRCNN(scale), scale) == 12_464 * SR_PIXELS // scale**2
    assert (
        count_multiply_adds(ESPCN(scale), scale) == (25 * 64 + 9 * 64 * 32 + 9 * 32 * scale**2) * SR_PIXELS // scale**2
    )


@pytest.mark.parametrize(("scale", "published"), [(2, 6.0), (3, 5.0), (4, 4.6)])
def test_the_table_counts_a_transposed_convolution_for_each_sr_pixel(scale: int, published: float) -> None:
    last = 9 * 9 * 56
    as_the_table = count_multiply_adds(FSRCNN(scale), scale) + last * (SR_PIXELS - SR_PIXELS // scale**2)
    assert as_the_table / 1e9 == pytest.approx(published, abs=0.05)


@pytest.mark.parametrize(
    ("network", "published"), [(CARN(), (222.8, 118.8, 90.9)), (CARNM(), (91.2, 46.1, 32.5))], ids=["CARN", "CARN-M"]
)
def test_the_networks_of_the_table_s_own_paper_cost_what_it_says(
    network: Model, published: tuple[float, float, float]
) -> None:
    for scale, figure in zip((2, 3, 4), published, strict=True):
        counted = count_multiply_adds(network, scale)
        assert counted is not None
        assert counted / 1e9 == pytest.approx(figure, abs=0.06)


class Grouped(Model):
    """Groups, a stride, and a size that must be a multiple of 64."""

    scales = frozenset({2})
    channels = 8
    multiple = 64

    def __init__(self) -> None:
        super().__init__()
        self.grouped = nn.Conv2d(8, 8, 3, padding=1, groups=4)
        self.down = nn.Conv2d(8, 4, 2, stride=2)
        self.up = nn.ConvTranspose2d(4, 8, 4, stride=4, groups=2)

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        result: Tensor = self.up(self.down(self.grouped(lr)))
        return result


def test_groups_strides_and_padding_are_counted() -> None:
    rows, columns = 384, 640  # 360 rows are padded to a multiple of 64
    grouped, half = 9 * 8 * 2 * rows * columns, rows * columns // 4
    assert count_multiply_adds(Grouped(), 2) == grouped + (4 * 8 * 4 + 16 * 4 * 4) * half


class Unfolded(nn.Conv2d):
    """Computed as a matrix product with four times the maps."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's own name
        return nn.functional.conv2d(input, self.weight.repeat(4, 1, 1, 1), padding=1)[:, : self.out_channels]


def test_a_layer_counts_by_its_definition_however_it_is_computed() -> None:
    network = Grouped()
    written = count_multiply_adds(network, 2)
    network.down = nn.Sequential(Unfolded(8, 4, 3, padding=1), nn.MaxPool2d(2))  # type: ignore[assignment]
    assert count_multiply_adds(network, 2) - written == (9 * 4 - 4) * 8 * 4 * 384 * 640 // 4


def test_products_outside_of_layers_count_too() -> None:
    class Attentive(Grouped):
        def forward(self, lr: Tensor, scale: Scale) -> Tensor:
            maps = self.down(lr).flatten(2)
            return super().forward(lr, scale) + (maps @ maps.transpose(1, 2)).sum()

    pixels = 384 * 640 // 4
    assert (
        count_multiply_adds(Attentive(), 2) - count_multiply_adds(Grouped(), 2) == 4 * 8 * 4 * pixels + 4 * 4 * pixels
    )


def test_what_is_done_again_counts_again_and_contents_are_never_taken_for_shapes() -> None:
    class Repeating(Grouped):
        def forward(self, lr: Tensor, scale: Scale) -> Tensor:
            maps = self.down(lr).flatten(2)
            for _ in range(3):
                maps = maps.relu_() + maps @ maps.transpose(1, 2) @ maps
            for end in (torch.tensor(1), torch.tensor(2)):
                (maps[..., : end.item()] @ maps[..., : end.item()].transpose(1, 2)).sum()
            return super().forward(lr, scale)

    pixels = 384 * 640 // 4
    more = 4 * 8 * 4 * pixels + 3 * 2 * 4 * 4 * pixels + (1 + 2) * 4 * 4
    assert count_multiply_adds(Repeating(), 2) - count_multiply_adds(Grouped(), 2) == more


def test_a_network_that_refuses_the_meta_device_has_no_count() -> None:
    class Stubborn(Grouped):
        def forward(self, lr: Tensor, scale: Scale) -> Tensor:
            return super().forward(lr, scale) * lr.mean().item()

    assert count_multiply_adds(Stubborn(), 2) is None


def test_counting_leaves_the_network_as_it_is() -> None:
    network, lr = ESPCN(2), torch.rand(1, 1, 5, 5)
    before = network(lr, 2)
    assert count_multiply_adds(network, 2) == count_multiply_adds(network, 2)
    assert torch.equal(network(lr, 2), before)
