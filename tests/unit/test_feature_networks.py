"""VGG and ResNet as feature networks: torchvision's layers under its names, and every way to their weights."""

from __future__ import annotations

import hashlib
import logging
import math
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.signal import correlate2d
from torch import Tensor
from torch.nn import functional as F

import sr_plugins_losses.plugin
from sr_core import SrkitError, cached_path
from sr_core.testing import check_feature_network, check_plugin
from sr_plugins_losses import feature_weights
from sr_plugins_losses.feature_weights import MissingWeightsError, PublishedWeights
from sr_plugins_losses.imagenet import ImageNetFeatures
from sr_plugins_losses.resnet import ResNet50
from sr_plugins_losses.vgg import VGG, VGG16, VGG19

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


class Small(VGG):
    """VGG with one convolution a block, so that its files are small."""

    published: ClassVar[PublishedWeights] = PublishedWeights(
        "small", "https://example.org/small-01234567.pth", "the publisher", 16, "classifier."
    )
    convolutions = (1, 1, 1, 1, 1)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SRKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def vgg19() -> VGG19:
    return VGG19(weights="random")


@pytest.fixture(scope="module")
def resnet50() -> ResNet50:
    return ResNet50(weights="random", seed=3)


@pytest.fixture(scope="module")
def tensors() -> dict[str, Tensor]:
    """A small network's file, with a classifier."""
    own = {name: tensor.contiguous() for name, tensor in Small(weights="random", seed=9).state_dict().items()}
    return {**own, "classifier.0.weight": torch.rand(4, 4), "classifier.0.bias": torch.rand(4)}


def picture(*size: int) -> Tensor:
    return torch.rand((2, 3, *size), generator=torch.Generator().manual_seed(1))


# Layers


def test_vgg_has_the_published_number_of_weights(vgg19: VGG19) -> None:
    found = [sum(tensor.numel() for tensor in made.state_dict().values()) for made in (VGG16(weights="random"), vgg19)]
    assert found == [14_714_688, 20_024_384]


def test_resnet_has_the_published_number_of_weights(resnet50: ResNet50) -> None:
    # 25,557,032 less the 2,049,000 of `fc`, and 26,560 means and variances each.
    assert sum(tensor.numel() for tensor in resnet50.state_dict().values()) == 25_557_032 - 2_049_000 + 2 * 26_560


@pytest.mark.parametrize(
    ("layer", "index"), [("conv1_2", 2), ("conv2_2", 7), ("conv3_4", 16), ("conv4_4", 25), ("conv5_4", 34)]
)
def test_the_papers_names_are_torchvisions_indices(vgg19: VGG19, layer: str, index: int) -> None:
    assert list(vgg19.widths)[index] == layer
    assert list(vgg19.widths)[index + 1] == layer.replace("conv", "relu")
    assert f"features.{index}.weight" in vgg19.state_dict()


def test_the_first_layer_is_a_correlation_with_the_normalised_picture(vgg19: VGG19) -> None:
    image = picture(16, 20)
    state = vgg19.state_dict()
    seen = ((image[0] - MEAN) / DEVIATION).double().numpy()
    kernels, biases = state["features.0.weight"].double().numpy(), state["features.0.bias"].double().numpy()
    expected = np.stack(
        [sum(correlate2d(seen[c], kernels[out, c], mode="same") for c in range(3)) + biases[out] for out in range(64)]
    )
    found = vgg19(image, ["conv1_1"])["conv1_1"][0]
    assert torch.allclose(found.double(), torch.from_numpy(expected), atol=1e-5)


def test_vgg_is_torchvisions_chain_of_layers(vgg19: VGG19) -> None:
    image = picture(32, 32)
    state = {name: tensor.double() for name, tensor in vgg19.state_dict().items()}
    plan = (64, 64, "M", 128, 128, "M", *[256] * 4, "M", *[512] * 4, "M", *[512] * 4, "M")
    features = ((image - MEAN) / DEVIATION).double()
    expected: dict[str, Tensor] = {}
    index, block, layer = 0, 1, 0
    for entry in plan:
        if entry == "M":
            features = expected[f"pool{block}"] = F.max_pool2d(features, 2)
            index, block, layer = index + 1, block + 1, 0
            continue
        layer += 1
        before = F.conv2d(features, state[f"features.{index}.weight"], state[f"features.{index}.bias"], padding=1)
        features = before.clamp(min=0)
        expected |= {f"conv{block}_{layer}": before, f"relu{block}_{layer}": features}
        index += 2
    found = vgg19(image, list(expected))
    assert list(found) == list(vgg19.widths)
    for name, value in expected.items():
        assert torch.allclose(found[name].double(), value, rtol=1e-4, atol=1e-4), name


def test_resnet_is_torchvisions_chain_of_layers(resnet50: ResNet50) -> None:
    image = picture(40, 48)
    state = {name: tensor.double() for name, tensor in resnet50.state_dict().items()}
    for name in state:  # statistics that do something
        if name.endswith(("running_mean", "running_var", "bias")):
            state[name] = torch.rand(state[name].shape, generator=torch.Generator().manual_seed(2)).double() + 0.5
    network = ResNet50(weights="random")
    network.load_state_dict(state)

    def normalised(features: Tensor, name: str) -> Tensor:
        mean, variance, weight, bias = (
            state[f"{name}.{part}"].view(-1, 1, 1) for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (features - mean) / torch.sqrt(variance + 1e-5) * weight + bias

    before = F.conv2d(((image - MEAN) / DEVIATION).double(), state["conv1.weight"], stride=2, padding=3)
    after = normalised(before, "bn1").clamp(min=0)
    features = F.max_pool2d(after, 3, 2, 1)
    expected = {"conv1": before, "relu1": after, "pool1": features}
    for stage, blocks in ((1, 3), (2, 4), (3, 6), (4, 3)):
        for block in range(blocks):
            at = f"layer{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            inner = normalised(F.conv2d(features, state[f"{at}.conv1.weight"]), f"{at}.bn1").clamp(min=0)
            inner = F.conv2d(inner, state[f"{at}.conv2.weight"], stride=stride, padding=1)
            inner = normalised(inner, f"{at}.bn2").clamp(min=0)
            inner = normalised(F.conv2d(inner, state[f"{at}.conv3.weight"]), f"{at}.bn3")
            if block == 0:
                features = F.conv2d(features, state[f"{at}.downsample.0.weight"], stride=stride)
                features = normalised(features, f"{at}.downsample.1")
            features = (features + inner).clamp(min=0)
        expected[f"layer{stage}"] = features
    found = network(image, list(expected))
    for name, value in expected.items():
        assert torch.allclose(found[name].double(), value, rtol=1e-3, atol=1e-3), name


def test_they_keep_their_contract(resnet50: ResNet50) -> None:
    check_feature_network(Small(weights="random"), size=(32, 40))
    check_feature_network(resnet50, size=(32, 40))


def test_no_layer_behind_the_last_is_computed() -> None:
    network = Small(weights="random")
    network.features[3].register_forward_hook(lambda *called: pytest.fail("conv2_1 was computed"))
    assert list(network(picture(32, 32), ["pool1", "conv1_1"])) == ["pool1", "conv1_1"]


def test_the_picture_itself_stays_in_full_precision() -> None:
    network, image = Small(weights="random"), picture(32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        low = network(image, ["conv1_1", "conv5_1"])
    assert low["conv5_1"].dtype == torch.bfloat16
    assert torch.equal(low["conv1_1"], network(image, ["conv1_1"])["conv1_1"])
    full = network(image, ["conv5_1"])["conv5_1"]
    assert float((low["conv5_1"].float() - full).abs().mean() / full.abs().mean()) < 0.02


def test_nothing_of_them_learns(resnet50: ResNet50) -> None:
    assert not any(parameter.requires_grad for parameter in resnet50.parameters())


def test_a_layer_that_is_not_there_is_told_those_that_are(vgg19: VGG19, resnet50: ResNet50) -> None:
    with pytest.raises(ValueError, match="vgg19 has no layer 'conv5_5'; it has conv1_1, relu1_1, conv1_2"):
        vgg19(picture(32, 32), ["conv5_5"])
    with pytest.raises(ValueError, match="it has conv1, relu1, pool1, layer1, layer2, layer3, layer4"):
        resnet50(picture(32, 32), ["conv5_4"])


def test_gray_and_tiny_pictures_are_refused(vgg19: VGG19) -> None:
    with pytest.raises(ValueError, match="takes RGB pictures, this one has 1 planes"):
        vgg19(torch.rand(1, 1, 32, 32), ["conv1_1"])
    with pytest.raises(SrkitError, match=r"at least 16×16 pixels for 'conv5_4', this one has 15×32; take larger crops"):
        vgg19(torch.rand(1, 3, 15, 32), ["conv5_4"])
    assert vgg19(torch.rand(1, 3, 16, 16), ["conv5_4"])["conv5_4"].shape == (1, 512, 1, 1)


# Weights


@pytest.mark.parametrize("kind", ["new pth", "old pth", "safetensors"])
def test_a_file_of_the_publishers_names_loads(tmp_path: Path, tensors: dict[str, Tensor], kind: str) -> None:
    path = tmp_path / f"mine.{kind.split()[-1]}"
    if kind == "safetensors":
        save_file(tensors, path)
    else:
        torch.save(tensors, path, _use_new_zipfile_serialization=kind == "new pth")
    network = Small(weights=str(path))
    assert network.origin == path.name
    state = network.state_dict()
    assert all(torch.equal(state[name], value) for name, value in tensors.items() if name.startswith("features"))


def test_torchvisions_counts_of_batches_are_left_out(tmp_path: Path, resnet50: ResNet50) -> None:
    state = {name: tensor.contiguous() for name, tensor in resnet50.state_dict().items()}
    state |= {"fc.weight": torch.rand(3, 2048), "bn1.num_batches_tracked": torch.tensor(7)}
    save_file(state, tmp_path / "resnet.safetensors")
    network = ResNet50(weights=str(tmp_path / "resnet.safetensors"))
    assert network.state_dict().keys() == resnet50.state_dict().keys()


def test_without_weights_it_names_the_three_ways_out(cache: Path) -> None:
    with pytest.raises(MissingWeightsError) as caught:
        VGG19()
    message = str(caught.value)
    assert str(cache / "weights" / "vgg19-dcbb9e9d.pth") in message
    for way in ("weights: download", "download.pytorch.org (548 MB)", "weights: FILE", "weights: random"):
        assert way in message
    assert "{name: vgg19, weights: download}" in message


@pytest.mark.parametrize(
    ("made", "name"),
    [(VGG16, "vgg16-397923af.pth"), (VGG19, "vgg19-dcbb9e9d.pth"), (ResNet50, "resnet50-0676ba61.pth")],
)
def test_the_published_files_are_torchvisions(made: type[ImageNetFeatures], name: str, cache: Path) -> None:
    assert made.published.url == f"https://download.pytorch.org/models/{name}"
    assert cached_path(made.published.url) == cache / "weights" / name


def test_the_published_file_is_taken_from_the_cache(tensors: dict[str, Tensor]) -> None:
    path = cached_path(Small.published.url)
    path.parent.mkdir(parents=True)
    torch.save(tensors, path)
    assert Small().origin == "the publisher's small-01234567.pth"


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A folder, and the address under which its files can be fetched."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder = tmp_path / "served"
    folder.mkdir()
    monkeypatch.setattr(SimpleHTTPRequestHandler, "log_message", lambda *said: None)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_download_fetches_the_published_file_once(
    served: tuple[Path, str], tensors: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = served
    torch.save(tensors, folder / "made.pth")
    name = f"small-{hashlib.sha256((folder / 'made.pth').read_bytes()).hexdigest()[:8]}.pth"
    (folder / "made.pth").rename(folder / name)
    published = PublishedWeights("small", f"{address}/{name}", "the publisher", 16, "classifier.")
    monkeypatch.setattr(Small, "published", published)
    assert Small(weights="download").origin == f"the publisher's {name}"
    (folder / name).unlink()
    assert Small(weights="download").origin == Small(weights="published").origin


def test_any_address_will_do_with_a_checksum(served: tuple[Path, str], tensors: dict[str, Tensor]) -> None:
    folder, address = served
    torch.save(tensors, folder / "other.pth")
    digest = hashlib.sha256((folder / "other.pth").read_bytes()).hexdigest()
    assert Small(weights=f"{address}/other.pth", checksum=digest).origin == "other.pth"
    with pytest.raises(SrkitError, match="its checksum"):
        Small(weights=f"{address}/other.pth", checksum="0" * 64)


def test_a_checksum_without_an_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'checksum' belongs to 'weights: https"):
        Small(weights=str(tmp_path / "mine.pth"), checksum="0" * 64)


def test_another_networks_file_is_refused_with_what_differs(tmp_path: Path, tensors: dict[str, Tensor]) -> None:
    wrong = {name: tensor for name, tensor in tensors.items() if name != "features.0.bias"}
    wrong |= {"features.1.running_mean": torch.rand(64), "features.3.weight": torch.rand(128, 64, 5, 5)}
    save_file(wrong, tmp_path / "wrong.safetensors")
    expected = (
        r"wrong.safetensors: not the weights of 'small': 'features.0.bias' is missing; 'features.1.running_mean' is not "
        r"part of the network; 'features.3.weight' is \(128, 64, 5, 5\), the network needs \(128, 64, 3, 3\)"
    )
    with pytest.raises(SrkitError, match=expected):
        Small(weights=str(tmp_path / "wrong.safetensors"))


def test_a_word_that_is_misspelt_is_told_the_right_ones(tmp_path: Path) -> None:
    with pytest.raises(SrkitError, match="'pubished': neither a file nor one of published, download, random"):
        Small(weights="pubished")
    with pytest.raises(SrkitError, match="no such file"):
        Small(weights=str(tmp_path / "nothing.pth"))


def test_random_weights_are_hes_by_their_own_seed(vgg19: VGG19) -> None:
    torch.manual_seed(1)
    first = torch.rand(3)
    torch.manual_seed(1)
    again, other = Small(weights="random"), Small(weights="random", seed=1)
    assert torch.equal(torch.rand(3), first)  # the run's own numbers are left alone
    weight = vgg19.state_dict()["features.34.weight"]
    assert float(weight.std()) == pytest.approx(math.sqrt(2 / (512 * 9)), rel=0.01)
    assert torch.equal(again.features[0].weight, Small(weights="random").features[0].weight)
    assert not torch.equal(again.features[0].weight, other.features[0].weight)


def test_random_weights_are_called_so_and_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    feature_weights._say_that_they_are_random.cache_clear()
    with caplog.at_level(logging.WARNING, "srkit"):
        assert [Small(weights="random").origin for _ in range(2)] == ["random", "random"]
    assert caplog.messages == ["small: its weights are random (seed 0); what it sees was never learned from pictures"]


def test_the_plugin_registers_networks_losses_and_a_metric() -> None:
    found = {(component.kind, component.name) for component in check_plugin(sr_plugins_losses.plugin)}
    assert found >= {("part", name) for name in ("vgg16", "vgg19", "resnet50")}
    assert found >= {("loss", name) for name in ("vgg", "texture", "contextual")} | {("metric", "feature_distance")}
