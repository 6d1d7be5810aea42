"""SRFBN: one block unrolled, a picture after each step, under the names of the authors' files."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_core.testing import check_model
from sr_plugins_cnn.srfbn import SRFBN
from tests.unit import network_promises as promises
from tests.unit.recomputing_promises import check_recomputing

KERNELS = {2: 6, 3: 7, 4: 8, 8: 12}
DIV2K_MEAN = torch.tensor([0.4488, 0.4371, 0.4040]).view(3, 1, 1)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def small(scale: int = 2, steps: int = 2, groups: int = 2, channels: str | int = "rgb") -> SRFBN:
    return SRFBN(scale, steps, groups, width=4, channels=channels)  # type: ignore[arg-type]


def published(scale: int, groups: int, width: int = 4) -> dict[str, Tensor]:
    """A file as the authors' code stores it, with its two layers for the mean colour."""
    fusions = {"compress_in": 2, "compress_out": groups}
    fusions |= {
        f"{kind}.{former - 2}": former for kind in ("uptranBlocks", "downtranBlocks") for former in range(2, groups + 1)
    }
    shapes = {"conv_in": (4 * width, 3, 3, 3), "feat_in": (width, 4 * width, 1, 1), "conv_out": (3, width, 3, 3)}
    shapes |= {f"block.{name}": (width, former * width, 1, 1) for name, former in fusions.items()}
    projections = [f"block.{kind}Blocks.{group}" for kind in ("up", "down") for group in range(groups)]
    shapes |= dict.fromkeys([*projections, "out"], (width, width, KERNELS[scale], KERNELS[scale]))
    file = {"sub_mean.bias": -255 * DIV2K_MEAN.flatten(), "add_mean.bias": 255 * DIV2K_MEAN.flatten()}
    file |= {f"{sign}_mean.weight": torch.eye(3).view(3, 3, 1, 1) for sign in ("sub", "add")}
    for name, shape in shapes.items():
        file[f"{name}.0.weight"] = torch.randn(shape) / (shape[1] * shape[2] ** 2) ** 0.5
        file[f"{name}.0.bias"] = torch.randn(shape[0]) / 5
        if name != "conv_out":
            file[f"{name}.1.weight"] = 0.1 + torch.rand(1) / 2
    return file


def as_the_authors_compute(file: dict[str, Tensor], lr: Tensor, scale: int, steps: int, groups: int) -> list[Tensor]:
    """The picture of each step, their layers one after the other."""

    def layer(name: str, maps: Tensor) -> Tensor:
        weight, bias = file[f"{name}.0.weight"], file[f"{name}.0.bias"]
        if "upBlocks" in name or name == "out":
            maps = F.conv_transpose2d(maps, weight, bias, stride=scale, padding=2)
        elif "downBlocks" in name:
            maps = F.conv2d(maps, weight, bias, stride=scale, padding=2)
        else:
            maps = F.conv2d(maps, weight, bias, padding=weight.shape[-1] // 2)
        return F.prelu(maps, file[f"{name}.1.weight"]) if f"{name}.1.weight" in file else maps

    levels = 255 * (lr - DIV2K_MEAN)
    features = hidden = layer("feat_in", layer("conv_in", levels))
    pictures = []
    for _ in range(steps):
        low, high = [layer("block.compress_in", torch.cat((features, hidden), 1))], []
        for group in range(groups):
            read = torch.cat(low, 1)
            high.append(
                layer(f"block.upBlocks.{group}", layer(f"block.uptranBlocks.{group - 1}", read) if group else read)
            )
            read = torch.cat(high, 1)
            low.append(
                layer(f"block.downBlocks.{group}", layer(f"block.downtranBlocks.{group - 1}", read) if group else read)
            )
        hidden = layer("block.compress_out", torch.cat(low[1:], 1))
        enlarged = F.interpolate(levels, scale_factor=scale, mode="bilinear", align_corners=False)
        pictures.append((enlarged + layer("conv_out", layer("out", hidden))) / 255 + DIV2K_MEAN)
    return pictures


@pytest.mark.parametrize(("scale", "steps", "groups"), [(2, 3, 3), (3, 2, 2), (4, 2, 1), (8, 1, 2)])
def test_the_authors_files_give_the_pictures_of_every_step_as_there(scale: int, steps: int, groups: int) -> None:
    file = published(scale, groups)
    network = small(scale, steps, groups)
    network.load_state_dict(dict(network.adopt(file)))
    lr, hr = torch.rand(2, 3, 5, 4), torch.rand(2, 3, 5 * scale, 4 * scale)
    predictions = network.predictions(lr, hr, scale, 0.0)
    for prediction, expected in zip(predictions, as_the_authors_compute(file, lr, scale, steps, groups), strict=True):
        torch.testing.assert_close(prediction.image, expected, atol=1e-5, rtol=0)
        assert prediction.target is hr
    torch.testing.assert_close(network(lr, scale), predictions[-1].image)


@pytest.mark.parametrize(("steps", "names"), [(1, ["sr"]), (4, ["step 1", "step 2", "step 3", "sr"])])
def test_all_steps_count_alike_and_the_last_is_sr(steps: int, names: list[str]) -> None:
    predictions = small(steps=steps).predictions(torch.rand(1, 3, 4, 4), torch.rand(1, 3, 8, 8), 2, 0.5)
    assert [prediction.name for prediction in predictions] == names
    assert [prediction.weight for prediction in predictions] == [1 / steps] * steps


def test_more_steps_need_no_more_parameters() -> None:
    assert small(steps=1).state_dict().keys() == small(steps=7).state_dict().keys()


def test_first_weights_are_he_s_and_slopes_a_fifth() -> None:
    network = SRFBN(3, groups=2, width=32)
    tensors = network.state_dict()
    expected = {"conv_in": 27, "block.compress_in": 64, "block.upBlocks.0": 32 * 49, "block.downBlocks.1": 32 * 49}
    for name, fan_in in expected.items():
        assert tensors[f"{name}.0.weight"].std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.06)
    learned = dict(network.named_parameters())
    assert not any(parameter.any() for name, parameter in learned.items() if name.endswith("bias"))
    slopes = [parameter.item() for name, parameter in learned.items() if name.endswith(".1.weight")]
    assert slopes == pytest.approx([0.2] * len(slopes))


@pytest.mark.parametrize(("scale", "steps", "groups"), [(2, 1, 1), (2, 2, 3), (3, 2, 2), (4, 1, 3), (8, 1, 1)])
def test_the_margin_is_exact(scale: int, steps: int, groups: int) -> None:
    promises.check_margin(SRFBN(scale, steps, groups, width=2, channels="y"), scale)


def test_it_learns_and_low_precision_does_not_round_the_picture() -> None:
    network = SRFBN(2, steps=1, groups=2, width=8, channels="y")
    promises.check_learning_and_low_precision(network)


def test_recomputing_gives_the_same_gradients_in_less_memory() -> None:
    check_recomputing(SRFBN(2, steps=4, groups=3, width=8, channels="y"), share=0.5)


def test_any_size_and_any_number_of_planes() -> None:
    promises.check_one_pixel_and_odd_sizes(small(3), (3,))
    promises.check_copies(small(4), 4)
    for channels in ("y", "rgb", 1, 31, 200):
        check_model(small(2, channels=channels))


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"groups": 0}, {"width": 0}, {"channels": "bgr"}, {"scale": 1}])
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(SRFBN, {"scale": 2, **wrong})


def test_a_scale_without_a_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match="not ×5"):
        SRFBN(5)
