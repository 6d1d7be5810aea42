"""A feature network inside a discriminator: its weights are in no checkpoint, and no other weights take their place."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from sr_core.training.state_file import read_state, write_state
from sr_plugins_gan.adversarial import AdversarialLoss
from sr_plugins_gan.feature_discriminator import FeatureDiscriminator
from tests.unit.small_features import SmallFeatures


def loss() -> AdversarialLoss:
    torch.manual_seed(0)
    return AdversarialLoss(FeatureDiscriminator(SmallFeatures(), "relu2_1", width=4))


def held_tensors(state: dict[str, torch.Tensor]) -> list[str]:
    return [name for name in state if ".network." in name]


def test_the_state_of_a_loss_has_a_fingerprint_where_the_networks_weights_would_be() -> None:
    learned = loss()
    state = learned.state_dict()
    assert held_tensors(state) == ["discriminator.network.fingerprint"]
    assert state["discriminator.network.fingerprint"].shape == (16,)
    assert "discriminator.verdict.bias" in state, "what learns is there"


def test_a_state_goes_through_a_checkpoint_and_leaves_the_network_as_it_is(tmp_path: Path) -> None:
    learned, other = loss(), loss()
    with torch.no_grad():
        for parameter in learned.parameters():
            if parameter.requires_grad:
                parameter.add_(1)
    write_state(tmp_path, dict(learned.state_dict()))
    other.load_state_dict(read_state(tmp_path))
    image = torch.rand(2, 3, 16, 16)
    learned.eval(), other.eval()
    assert torch.equal(learned.discriminator(image), other.discriminator(image))
    assert torch.equal(other.discriminator.network.first.weight, SmallFeatures().first.weight)  # type: ignore[union-attr]


def test_a_state_of_other_weights_is_refused_and_says_whose() -> None:
    learned = loss()
    state = learned.state_dict()
    with torch.no_grad():
        learned.discriminator.network.second.bias[0] += 1e-3  # type: ignore[union-attr, operator]
    with pytest.raises(RuntimeError, match=r"'discriminator\.network' had other weights when this was saved"):
        learned.load_state_dict(state)


def test_the_fingerprint_is_that_of_the_values_in_any_layout_copy_and_width() -> None:
    network = SmallFeatures().requires_grad_(requires_grad=False)
    holder = nn.ModuleDict({"network": network})
    expected = holder.state_dict()["network.fingerprint"]
    for other in (copy.deepcopy(holder), holder.to(memory_format=torch.channels_last), copy.deepcopy(holder).double()):
        assert torch.equal(other.state_dict()["network.fingerprint"], expected)
        other.load_state_dict(holder.state_dict())


def test_a_network_alone_and_one_that_learns_are_saved_as_any_module() -> None:
    network = SmallFeatures()
    names = ["first.weight", "first.bias", "second.weight", "second.bias"]
    assert list(nn.ModuleDict({"network": network}).state_dict()) == [f"network.{name}" for name in names]
    network.requires_grad_(requires_grad=False)
    assert list(network.state_dict()) == names
    other = SmallFeatures()
    nn.init.zeros_(other.first.weight)
    other.load_state_dict(network.state_dict())
    assert torch.equal(other.first.weight, network.first.weight)


def test_a_network_without_memory_has_no_fingerprint() -> None:
    with torch.device("meta"):
        holder = nn.ModuleDict({"network": SmallFeaturesOnMeta()})
    holder.requires_grad_(requires_grad=False)
    assert list(holder.state_dict()) == ["network.only.weight", "network.only.bias"]


class SmallFeaturesOnMeta(SmallFeatures):
    """One layer, and no values."""

    def __init__(self) -> None:
        super(SmallFeatures, self).__init__()
        self.only = nn.Conv2d(3, 4, 1)
