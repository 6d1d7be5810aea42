"""Every network takes any picture: of any size, any planes, several at once, in either precision."""

from __future__ import annotations

import torch

from sr_core import sr_size
from sr_core.inference.engine import super_resolve
from sr_core.inference.precision import autocast
from sr_core.testing import check_model
from sr_plugins_cnn.planes import plane_count
from tests.networks.catalogue import SmallNetwork
from tests.networks.every import every_network, every_scale
from tests.unit import network_promises as promises

SIZES = ((1, 1), (1, 7), (6, 1), (5, 8), (13, 11))
CPU = torch.device("cpu")


@every_scale
def test_gray_and_colour_pictures_of_any_size_go_through_the_engine(small: SmallNetwork, scale: int) -> None:
    network = small.build(scale).eval()
    for planes in (1, 3):
        for size in SIZES:
            sr = super_resolve(network, torch.rand(2, planes, *size), scale)
            assert sr.shape == (2, planes, *sr_size(size, scale))
            assert sr.dtype == torch.float32


@every_scale
def test_pictures_of_a_batch_do_not_touch_each_other(small: SmallNetwork, scale: int) -> None:
    network = small.build(scale).eval()
    batch = torch.rand(3, plane_count(network.channels), 9, 10)
    with torch.inference_mode():
        together, alone = network(batch, scale), [network(picture[None], scale) for picture in batch]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-5, atol=1e-5)


@every_scale
def test_bfloat16_rounds_features_and_not_the_picture(small: SmallNetwork, scale: int) -> None:
    network = small.build(scale).eval()
    lr = torch.rand(1, plane_count(network.channels), 12, 10)
    with torch.inference_mode():
        exact = network(lr, scale)
        with autocast("bfloat16", CPU):
            rounded = network(lr, scale)
    assert rounded.dtype == torch.float32
    assert rounded.isfinite().all()
    assert (rounded - exact).norm() <= 0.03 * exact.norm()


@every_scale
def test_copies_answer_alike_and_the_meta_device_computes_nothing(small: SmallNetwork, scale: int) -> None:
    promises.check_copies(small.build(scale).eval(), scale)


@every_network
def test_it_keeps_the_contract(small: SmallNetwork) -> None:
    check_model(small.build())


@every_network
def test_one_plane_or_two_hundred_can_be_learned(small: SmallNetwork) -> None:
    scale = small.scales[0]
    for planes in (1, 31, 200):
        network = small.build(channels=planes)
        lr, hr = torch.rand(1, planes, 8, 8), torch.rand(1, planes, 8 * scale, 8 * scale)
        predictions = network.predictions(lr, hr, scale, 0.0)
        for prediction in predictions:
            assert prediction.image.shape == prediction.target.shape
            assert prediction.image.shape[1] == planes
        sum(p.weight * (p.image - p.target).square().mean() for p in predictions).backward()  # type: ignore[union-attr]
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        assert all(gradient.isfinite().all() for gradient in gradients)
        # A network for several scales learns parts of it from those alone.
        assert sum(bool(gradient.any()) for gradient in gradients) > len(list(network.parameters())) / 3
