"""DSRN: what its two states tell each other in which step, and what all steps share."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core import resize
from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_core.testing import check_model
from sr_plugins_cnn.dsrn import DSRN
from tests.unit import network_promises as promises
from tests.unit.recomputing_promises import check_recomputing

WIDTH = 4


def small(scale: int = 2, steps: int = 4, channels: str | int = "rgb", *, recompute: bool = False) -> DSRN:
    torch.manual_seed(0)
    return DSRN(scale, steps, WIDTH, channels, recompute)  # type: ignore[arg-type]


def unrolled(tensors: dict[str, Tensor], lr: Tensor, scale: int, steps: int) -> Tensor:
    """What the network adds to bicubic, written as a recurrence: each state of a step from both of the step before."""

    def convolved(name: str, maps: Tensor) -> Tensor:
        weight = tensors[f"{name}.weight"]
        return F.conv2d(maps, weight, tensors[f"{name}.bias"], padding=weight.shape[-1] // 2)

    def itself(name: str, state: Tensor) -> Tensor:
        return state + convolved(f"{name}.conv2", convolved(f"{name}.conv1", state).relu())

    lr_states = [convolved("in_1", convolved("in_0", lr).relu()).relu()]
    hr_states: list[Tensor | None] = [None]
    for step in range(1, steps):
        in_lr, in_hr = lr_states[step - 1], hr_states[step - 1]
        to_lr, to_hr = itself("s1s1", in_lr), F.conv_transpose2d(in_lr, tensors["up.weight"], tensors["up.bias"], scale)
        if in_hr is not None:
            to_lr = to_lr + F.avg_pool2d(in_hr, scale)
            to_hr = to_hr + itself("s2s2", in_hr)
        lr_states.append(to_lr.relu())
        hr_states.append(to_hr.relu())
    return convolved("out", torch.stack([state for state in hr_states if state is not None]).mean(0))


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("steps", [3, 4, 7])
def test_each_state_comes_from_both_states_of_the_step_before(scale: int, steps: int) -> None:
    network = small(scale, steps)
    lr = torch.rand(2, 3, 5, 6)
    expected = unrolled(dict(network.state_dict()), lr, scale, steps) + resize(lr, scale)
    torch.testing.assert_close(network(lr, scale), expected)
    with torch.no_grad():
        torch.testing.assert_close(network(lr, scale), expected)


def test_more_steps_are_deeper_and_have_no_more_weights() -> None:
    shallow, deep = small(steps=3), small(steps=9)
    assert [p.shape for p in shallow.parameters()] == [p.shape for p in deep.parameters()]
    assert deep.margin == 16  # two of the first layers, and two of each step but the last
    assert shallow.margin == 4


def test_its_first_weights_are_glorot_s_and_its_biases_zero() -> None:
    network = DSRN(2)
    for layer, fan in ((network.s2s2.conv1, 2 * 128 * 9), (network.up, 2 * 128 * 4), (network.in_1, (64 + 128) * 9)):
        weight, bound = layer.get_parameter("weight"), (6 / fan) ** 0.5
        assert 0.99 * bound < weight.abs().max() <= bound
        assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)
    assert not any(parameter.any() for name, parameter in network.named_parameters() if name.endswith("bias"))


@pytest.mark.parametrize("steps", [3, 6])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_margin_is_exact(scale: int, steps: int) -> None:
    promises.check_margin(DSRN(scale, steps, 2, "y"), scale)


def test_recomputing_gives_the_same_gradients_in_less_memory() -> None:
    """The HR states themselves, all of which the result is the mean of, stay: that is what is left."""
    torch.manual_seed(0)
    check_recomputing(DSRN(2, 7, 8, "y"), share=0.8)
    check_recomputing(DSRN(2, 14, 8, "y"), share=0.65)


def test_it_learns_and_low_precision_does_not_round_the_picture() -> None:
    torch.manual_seed(0)
    promises.check_learning_and_low_precision(DSRN(2, 4, 12, "y"))


def test_any_size_and_any_number_of_planes() -> None:
    promises.check_one_pixel_and_odd_sizes(small(3), (3,))
    promises.check_copies(small(4), 4)
    for channels in ("y", "rgb", 31):
        check_model(small(channels=channels))


@pytest.mark.parametrize("wrong", [{"steps": 2}, {"width": 1}, {"scale": 1}, {"scale": 2.5}, {"channels": "bgr"}])
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(DSRN, {"scale": 2, **wrong})
