"""A weights file alone is a method: in a spec, on the command line and from Python; the wrong one is told apart."""

from __future__ import annotations

import json
import pickle
import re
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import torch
from click.testing import Result
from safetensors.torch import save_file
from torch import nn

from sr_core import Model, SrkitError, load_model, read_picture, upscale
from sr_core.building import build, resolved_parameters
from sr_core.checkpoint import WeightsCard, read_weights, write_weights
from sr_core.discovery import discover
from sr_core.parameters import ComponentReference
from sr_plugins_cnn.edsr import EDSR
from tests.conftest import Install, textured

Srkit = Callable[..., Result]

pytestmark = pytest.mark.usefixtures("no_plots")

PLUGIN = """
    from enum import Enum
    import torch
    from torch import nn
    from sr_core import Model, Part, hookimpl, resize, sr_size

    @hookimpl
    def srkit_register(registry):
        registry.model("small", "networks:Small", summary="a correction of bicubic")
        registry.model("wide", "networks:Wide", summary="more layers")
        registry.model("odd", "networks:Odd", summary="cannot be built with its defaults")
        registry.part("body", "networks:Body", summary="a body")

    class Activation(Enum):
        RELU = "relu"
        TANH = "tanh"

    class Body(Part):
        def __init__(self, depth: int = 1, scale: int = 1) -> None:
            super().__init__()
            self.layers = nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1) for _ in range(depth)])

    class Small(Model):
        def __init__(
            self,
            scale: int,
            width: int = 4,
            body: Body | None = None,
            activation: Activation = Activation.RELU,
            sizes: tuple[int, ...] = (1, 2),
            names: frozenset[str] = frozenset({"b", "a", "c"}),
            slope: float = 0.5,
        ) -> None:
            super().__init__()
            self.scales = frozenset({scale})
            self.first = nn.Conv2d(1, width, 3, padding=1)
            self.last = nn.Conv2d(width, 1, 3, padding=1)
            self.body = body

        def forward(self, lr, scale):
            enlarged = resize(lr, scale, sr_size(lr.shape[-2:], scale))
            return enlarged + 0.1 * self.last(self.first(enlarged))

    class Wide(Model):
        scales = frozenset({2, 3})

        def __init__(self, scale: int) -> None:
            super().__init__()
            self.first = nn.Conv2d(1, 4, 3)
            self.middle = nn.Conv2d(4, 4, 3)
            self.last = nn.Conv2d(4, scale * scale, 3)

        def forward(self, lr, scale):
            return resize(lr, scale, sr_size(lr.shape[-2:], scale))

    class Odd(Model):
        def __init__(self, needed: str) -> None:
            raise RuntimeError(needed)

        def forward(self, lr, scale):
            return lr
"""


@pytest.fixture
def networks(install: Install) -> None:
    install("some-networks", "networks", PLUGIN)


def made(path: Path, name: str = "small", scale: int = 2, **parameters: Any) -> Model:
    """A network of `PLUGIN` with random weights, kept in a weights file."""
    registry = discover().registry
    reference, filled = ComponentReference.of(name, parameters), {"scale": scale, "scales": [scale]}
    torch.manual_seed(0)
    model: Model = build(registry, "model", reference, filled)
    card = WeightsCard(
        component=name,
        distribution="some-networks",
        parameters=resolved_parameters(registry, "model", reference, filled),
        scales=(scale,),
    )
    write_weights(path, model, card)
    return model.eval()


@pytest.fixture
def weights(networks: None, tmp_path: Path) -> Path:
    made(tmp_path / "mine.safetensors")
    return tmp_path / "mine.safetensors"


def check(srkit: Srkit, folder: Path, body: str, scale: str = "2") -> str:
    (folder / "spec.yaml").write_text(f"name: a\nscale: {scale}\n{body}\n", encoding="utf-8")
    done = srkit("check", folder / "spec.yaml")
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output
    return " ".join(done.output.split())


def candidate(srkit: Srkit, folder: Path, text: str, scale: str = "2") -> str:
    return check(srkit, folder, f"evaluate: {{on: photographs, candidates: [{text}]}}", scale)


def test_the_network_of_a_file_is_rebuilt_as_it_was_made(networks: None, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    original = made(path, scale=3, width=6, body={"name": "body", "depth": 2}, activation="tanh", sizes=[5])
    rebuilt: Any = load_model(str(path))
    assert (rebuilt.scales, rebuilt.training) == (frozenset({3}), False)
    assert len(rebuilt.body.layers) == 2
    image = torch.rand(1, 1, 8, 8)
    assert torch.equal(rebuilt(image, 3), original(image, 3))


def test_the_card_holds_every_argument_and_none_is_lost_on_the_way(networks: None) -> None:
    registry = discover().registry
    reference = ComponentReference.of("small", {"body": {"name": "body"}, "activation": "tanh"})
    resolved = resolved_parameters(registry, "model", reference, {"scale": 3, "scales": [3]})
    assert resolved == {
        "scale": 3,
        "width": 4,
        "body": {"name": "some-networks:body", "depth": 1, "scale": 3},
        "activation": "tanh",
        "sizes": [1, 2],
        "names": ["a", "b", "c"],
        "slope": 0.5,
    }
    again = resolved_parameters(registry, "model", ComponentReference.of("small", json.loads(json.dumps(resolved))))
    assert again == resolved


def test_a_weights_file_is_a_candidate_named_by_its_stem(
    srkit: Srkit, weights: Path, photographs: Path, tmp_path: Path
) -> None:
    (tmp_path / "spec.yaml").write_text(
        "name: a\nscale: 2\nevaluate:\n  on: photographs\n  metrics: [psnr]\n  candidates:\n"
        "    - {weights: mine.safetensors}\n"
        "    - {name: again, weights: mine.safetensors}\n"
        "    - {name: by name, model: small, weights: mine.safetensors}\n",
        encoding="utf-8",
    )
    done = srkit("run", tmp_path / "spec.yaml", "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    records = json.loads((tmp_path / "out/results.json").read_text(encoding="utf-8"))
    values = {record["candidate"]: record["per_image"] for record in records}
    assert list(values) == ["mine", "again", "by name"]
    assert values["mine"] == values["again"] == values["by name"]
    assert srkit("check", tmp_path / "out/spec.yaml").exit_code == 0, "the resolved spec is read alike"


def test_a_file_called_like_an_upsampler_is_still_a_file(networks: None, srkit: Srkit, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(
        "name: a\nscale: 2\nevaluate: {on: samples, candidates: [{weights: bicubic.safetensors}]}", encoding="utf-8"
    )
    made(tmp_path / "bicubic.safetensors")
    assert srkit("check", tmp_path / "spec.yaml").exit_code == 0


def test_the_upscale_stage_takes_a_weights_file(srkit: Srkit, weights: Path, photographs: Path, tmp_path: Path) -> None:
    body = "upscale: {inputs: photographs, with: {weights: mine.safetensors}}"
    (tmp_path / "spec.yaml").write_text(f"name: a\nscale: 2\n{body}\n", encoding="utf-8")
    done = srkit("run", tmp_path / "spec.yaml", "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert read_picture(tmp_path / "out/upscaled/alpha_x2.png").size == (96, 120)


def test_from_the_command_line_the_file_knows_its_scale(
    srkit: Srkit, weights: Path, photographs: Path, tmp_path: Path
) -> None:
    done = srkit("upscale", photographs / "alpha.png", "-o", tmp_path / "a.png", "--model", weights)
    assert done.exit_code == 0, done.output
    assert read_picture(tmp_path / "a.png").size == (96, 120)
    srkit("upscale", photographs / "alpha.png", "-o", tmp_path / "b.png", "--model", weights, "--scale", "2")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    done = srkit("upscale", photographs / "alpha.png", "-o", tmp_path / "c.png", "--model", weights, "--scale", "3")
    assert done.exit_code == 2
    assert "takes scale 2, not 3" in done.output


def test_without_a_scale_of_its_own_the_method_needs_one(srkit: Srkit, photographs: Path, tmp_path: Path) -> None:
    done = srkit("upscale", photographs / "alpha.png", "-o", tmp_path / "a.png")
    assert done.exit_code == 2
    assert "'bicubic' takes more than one scale; choose one with --scale" in done.output


def test_from_python_a_file_stands_for_its_network(weights: Path) -> None:
    levels = textured((20, 24), 3, 0)
    assert upscale(levels, 2, str(weights)).shape == (40, 48, 3)
    assert np.array_equal(upscale(levels, 2, weights), upscale(levels, 2, str(weights)))
    luma = torch.rand(1, 1, 9, 9)
    with torch.inference_mode():
        made = upscale(luma, 2, weights, device="cpu", precision="float32")
        assert torch.allclose(made, load_model(weights)(luma, 2), atol=1e-6)
    with pytest.raises(SrkitError, match="brings its own parameters"):
        upscale(levels, 2, weights, parameters={"width": 3})
    with pytest.raises(SrkitError, match="takes scale 2, not 3"):
        upscale(levels, 3, weights)


class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return open, (str(self.path), "w")


def test_a_pickle_is_refused_wherever_weights_are_named(
    networks: None, srkit: Srkit, photographs: Path, tmp_path: Path
) -> None:
    (tmp_path / "w.pth").write_bytes(pickle.dumps(Trap(tmp_path / "made")))
    refused = "is a pickle that torch.save did not write (it would call io.open). Such a file can run code"
    assert refused in candidate(srkit, tmp_path, "{weights: w.pth}")
    assert refused in candidate(srkit, tmp_path, "{model: small, weights: w.pth}")
    done = srkit("upscale", photographs, "-o", tmp_path / "out", "--scale", "2", "--model", tmp_path / "w.pth")
    assert done.exit_code == 2
    assert refused in done.output
    with pytest.raises(SrkitError, match=re.escape(refused)):
        load_model(tmp_path / "w.pth")
    assert not (tmp_path / "made").exists()


PUBLISHED = """
    import torch
    from torch import nn
    from sr_core import Model, hookimpl, resize, sr_size

    @hookimpl
    def srkit_register(registry):
        registry.model("known", "published:Known", summary="its authors call its tensors otherwise")
        registry.model("wrong", "published:Wrong", summary="cannot rename")

    class Known(Model):
        scales = frozenset({2})

        def __init__(self, norm: bool = True) -> None:
            super().__init__()
            self.layer = nn.Conv2d(1, 1, 3, padding=1)
            self.norm = nn.BatchNorm2d(1) if norm else nn.Identity()

        def forward(self, lr, scale):
            return resize(self.norm(self.layer(lr)), scale, sr_size(lr.shape[-2:], scale))

        def adopt(self, tensors):
            return {name.replace("conv1.", "layer.").replace("bn1.", "norm."): value for name, value in tensors.items()}

    class Wrong(Known):
        def adopt(self, tensors):
            raise RuntimeError("a mistake")
"""


@pytest.fixture
def published(install: Install, tmp_path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a network by its authors' names; the network is there as `known`."""
    install("published-networks", "published", PUBLISHED)
    torch.manual_seed(0)
    return nn.ModuleDict({"conv1": nn.Conv2d(1, 1, 3, padding=1), "bn1": nn.BatchNorm2d(1)}).state_dict()


def measured(srkit: Srkit, folder: Path, *candidates: str) -> dict[str, Any]:
    """Candidate → its figures."""
    body = f"name: a\nscale: 2\nevaluate: {{on: photographs, metrics: [psnr], candidates: [{', '.join(candidates)}]}}\n"
    (folder / "spec.yaml").write_text(body, encoding="utf-8")
    done = srkit("run", folder / "spec.yaml", "--output", folder / "out")
    assert done.exit_code == 0, done.output
    records = json.loads((folder / "out/results.json").read_text(encoding="utf-8"))
    return {record["candidate"]: record["per_image"] for record in records}


def test_weights_of_others_are_renamed_by_the_network_that_the_spec_names(
    published: dict[str, torch.Tensor],
    srkit: Srkit,
    photographs: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    own = {name.replace("conv1.", "layer.").replace("bn1.", "norm."): value for name, value in published.items()}
    torch.save(own, tmp_path / "own.pth")
    wrapped = {f"module.{name}": value for name, value in published.items()}
    torch.save({"params": wrapped, "params_ema": wrapped}, tmp_path / "theirs.pth")
    torch.save({k: v for k, v in published.items() if "num_batches" not in k}, tmp_path / "old.pth")
    save_file(published, tmp_path / "theirs.safetensors")
    names = ("own.pth", "theirs.pth", "old.pth", "theirs.safetensors")
    found = measured(srkit, tmp_path, *(f"{{name: {name}, model: known, weights: {name}}}" for name in names))
    assert found["own.pth"] == found["theirs.pth"] == found["old.pth"] == found["theirs.safetensors"]
    assert [message for message in caplog.messages if "theirs.pth: took 'params_ema'; also there: 'params'" in message]


def test_training_starts_from_weights_of_others(
    published: dict[str, torch.Tensor], srkit: Srkit, photographs: Path, tmp_path: Path
) -> None:
    torch.save({"state_dict": published}, tmp_path / "theirs.pth")
    body = (
        "train: {model: known, weights: theirs.pth, data: {hr: photographs, crop: 8, batch: 1}, loss: [mse], steps: 1}"
    )
    (tmp_path / "spec.yaml").write_text(f"name: a\nscale: 2\n{body}\n", encoding="utf-8")
    assert srkit("check", tmp_path / "spec.yaml").exit_code == 0
    torch.save({"state_dict": {"conv9.weight": published["conv1.weight"]}}, tmp_path / "theirs.pth")
    said = check(srkit, tmp_path, body)
    assert "train.weights: " in said
    assert "'layer.weight' is missing" in said


def test_training_starts_from_what_fits_where_that_is_asked_for(
    srkit: Srkit, photographs: Path, tmp_path: Path
) -> None:
    torch.manual_seed(3)
    start = EDSR(2, blocks=1, width=4)
    torch.save(start.state_dict(), tmp_path / "x2.pth")
    body = (
        "train: {model: {name: edsr, blocks: 1, width: 4}, weights: x2.pth, PARTIAL"
        "data: {hr: photographs, crop: 24, batch: 1}, loss: [l1], steps: 1, optimizer: {name: sgd, lr: 1.0e-9}}"
    )
    assert "'tail.0.0.weight' is (16, 4, 3, 3)" in check(srkit, tmp_path, body.replace("PARTIAL", ""), scale="3")
    (tmp_path / "spec.yaml").write_text(
        f"name: a\nscale: 3\n{body.replace('PARTIAL', 'partial_weights: true, ')}\n", encoding="utf-8"
    )
    done = srkit("run", tmp_path / "spec.yaml", "--output", tmp_path / "run")
    assert done.exit_code == 0, done.output
    assert "x2.pth: 14 of the network's 16 tensors were taken over" in done.output
    assert "'tail.0.0.weight', 'tail.0.0.bias'" in done.output
    trained = read_weights(tmp_path / "run/checkpoints/final/weights.safetensors").tensors
    assert torch.allclose(trained["head.0.weight"], start.head[0].weight, atol=1e-5)
    torch.save({"other": torch.zeros(1)}, tmp_path / "x2.pth")
    assert "none of its tensors fits" in check(srkit, tmp_path, body.replace("PARTIAL", "partial_weights: true, "), "3")


def test_what_is_srkits_own_is_never_renamed(
    published: dict[str, torch.Tensor], srkit: Srkit, photographs: Path, tmp_path: Path
) -> None:
    write_weights(
        tmp_path / "w.safetensors", published, WeightsCard(component="known", distribution="published-networks")
    )
    assert "'layer.weight' is missing" in candidate(srkit, tmp_path, "{model: known, weights: w.safetensors}")


def test_weights_of_others_alone_need_a_name_and_are_told_the_likely_one(
    published: dict[str, torch.Tensor], srkit: Srkit, photographs: Path, tmp_path: Path
) -> None:
    torch.save({f"module.{name}": value for name, value in published.items()}, tmp_path / "w.pth")
    done = srkit("upscale", photographs, "-o", tmp_path / "out", "--scale", "2", "--model", tmp_path / "w.pth")
    assert done.exit_code == 2
    said = " ".join(done.output.split())
    assert (
        "does not say of which network; name the network: {model: NAME, weights: w.pth}, or --model NAME --weights w.pth"
        in said
    )
    assert "The nearest installed network is 'known' (7 of 7 tensors fit)" in said
    command = ("upscale", photographs, "-o", tmp_path / "out", "--scale", "2", "--model", "known")
    done = srkit(*command, "--weights", tmp_path / "w.pth")
    assert done.exit_code == 0, done.output


def test_a_network_that_cannot_rename_is_named(
    published: dict[str, torch.Tensor], srkit: Srkit, photographs: Path, tmp_path: Path
) -> None:
    torch.save(published, tmp_path / "w.pth")
    said = candidate(srkit, tmp_path, "{model: wrong, weights: w.pth}")
    assert "w.pth: 'wrong' cannot adopt its tensors: RuntimeError: a mistake" in said


def test_a_file_that_is_not_there_is_missed_as_a_file(srkit: Srkit, photographs: Path, tmp_path: Path) -> None:
    for name in ("none.safetensors", "runs/none"):
        done = srkit("upscale", photographs, "-o", tmp_path / "out", "--scale", "2", "--model", name)
        assert done.exit_code == 2
        assert done.output.strip() == f"{name}: no such file"
    assert "none.safetensors: no such file" in candidate(srkit, tmp_path, "{weights: none.safetensors}")


def test_a_file_without_a_card_needs_a_name_and_is_told_the_likely_one(
    networks: None, srkit: Srkit, tmp_path: Path
) -> None:
    layers = {"first": nn.Conv2d(1, 4, 3), "last": nn.Conv2d(4, 1, 3)}
    save_file(nn.ModuleDict(layers).state_dict(), tmp_path / "plain.safetensors")
    said = candidate(srkit, tmp_path, "{weights: plain.safetensors}")
    assert "does not say of which network; name the network: {model: NAME, weights: plain.safetensors}" in said
    assert "The nearest installed network is 'small' at scale 2 (4 of 4 tensors fit)" in said


def test_weights_of_another_architecture_name_the_keys_and_the_nearest_one(
    networks: None, srkit: Srkit, tmp_path: Path
) -> None:
    """×3 weights of 'wide' without a card; one foreign tensor among them."""
    layers = {"first": nn.Conv2d(1, 4, 3), "middle": nn.Conv2d(4, 4, 3), "last": nn.Conv2d(4, 9, 3)}
    tensors = {**nn.ModuleDict(layers).state_dict(), "extra": torch.zeros(1)}
    save_file(tensors, tmp_path / "w.safetensors")
    said = candidate(srkit, tmp_path, "{model: small, weights: w.safetensors}")
    assert "w.safetensors: the weights of another network: " in said
    assert "'middle.weight' is not part of the network" in said
    assert "The nearest installed network is 'wide' at scale 3 (6 of 7 tensors fit)" in said


def test_tensors_of_nobody_are_said_to_be(networks: None, srkit: Srkit, tmp_path: Path) -> None:
    save_file({"alien": torch.zeros(3)}, tmp_path / "w.safetensors")
    said = candidate(srkit, tmp_path, "{model: small, weights: w.safetensors}")
    assert "'alien' is not part of the network" in said
    assert "No installed network has such tensors" in said


def test_where_the_card_says_another_network_it_is_named(networks: None, srkit: Srkit, tmp_path: Path) -> None:
    made(tmp_path / "w.safetensors", "wide", 2)
    said = candidate(srkit, tmp_path, "{model: small, weights: w.safetensors}")
    assert "they are of 'wide' of some-networks; 'middle." in said
    assert "Its card says 'wide' of some-networks with scale=2" in said
    assert "{weights: w.safetensors} alone rebuilds that network" in said


def test_where_the_card_says_other_parameters_they_are_named(weights: Path, srkit: Srkit, tmp_path: Path) -> None:
    said = candidate(srkit, tmp_path, "{model: {name: small, width: 8}, weights: mine.safetensors}")
    assert "'first.weight' is (4, 1, 3, 3), the network needs (8, 1, 3, 3)" in said
    assert "Its card says 'small' of some-networks with width=4; {weights: mine.safetensors} alone" in said


@pytest.mark.parametrize(
    ("card", "complaint"),
    [
        ({"component": "gone"}, "the weights of 'gone' of some-networks, which is not installed"),
        ({"distribution": "elsewhere"}, "the weights of 'small' of elsewhere, which is not installed"),
        ({"parameters": {"width": 4, "scale": "2"}}, "the network of its card cannot be built: Small: scale: "),
        ({"parameters": {"scale": 2, "height": 3}}, "unknown key 'height'"),
        ({"parameters": {"scale": 2, "width": 5}}, "the weights of another network: 'first.weight' is (4, 1, 3, 3)"),
    ],
)
def test_a_card_that_does_not_fit_what_is_installed_is_a_plain_error(
    card: dict[str, Any], complaint: str, networks: None, srkit: Srkit, tmp_path: Path
) -> None:
    model = made(tmp_path / "w.safetensors")
    facts = {"component": "small", "distribution": "some-networks", "parameters": {"scale": 2}, **card}
    write_weights(tmp_path / "w.safetensors", model, WeightsCard(**facts))
    said = candidate(srkit, tmp_path, "{weights: w.safetensors}")
    assert complaint in said
    assert str(tmp_path / "w.safetensors") in said


def test_a_scale_that_the_network_of_a_file_does_not_take_is_a_fault(
    weights: Path, srkit: Srkit, tmp_path: Path
) -> None:
    assert "'mine' takes scale 2, not 3" in candidate(srkit, tmp_path, "{weights: mine.safetensors}", scale="3")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{upsampler: bicubic, weights: mine.safetensors}", "'weights' belongs to a 'model'"),
        ("{pictures: there, name: a, weights: mine.safetensors}", "'weights' belongs to a 'model'"),
        ("{weights: 3}", "expected"),
        ("{weights: mine.safetensors, width: 3}", "unknown key 'width'"),
    ],
)
def test_what_goes_with_weights_and_what_does_not(
    text: str, complaint: str, weights: Path, srkit: Srkit, tmp_path: Path
) -> None:
    assert complaint in candidate(srkit, tmp_path, text)


def test_published_files_of_vdsr_are_candidates(srkit: Srkit, photographs: Path, tmp_path: Path) -> None:
    """The port pickles its module, of a class that is not here; the authors keep cells in a file of MATLAB."""
    torch.manual_seed(0)
    network = build(discover().registry, "model", ComponentReference.of("vdsr", {"depth": 4, "width": 2}))
    layers = [network.first, *network.body, network.last]
    blocks = [nn.Sequential(OrderedDict(conv=nn.Conv2d(2, 2, 3, bias=False))) for _ in network.body]
    port = nn.ModuleDict({"residual_layer": nn.Sequential(*blocks), "input": nn.Conv2d(1, 2, 3, bias=False)})
    port["output"] = nn.Conv2d(2, 1, 3, bias=False)
    for theirs, own in zip((port["input"], *(block.conv for block in blocks), port["output"]), layers, strict=True):
        theirs.weight = own.weight
    torch.save({"epoch": 50, "model": port}, tmp_path / "port.pth")
    cells = {"weight": np.empty((1, 4), object), "bias": np.empty((1, 4), object)}
    for index, layer in enumerate(layers):
        cells["weight"][0, index] = layer.weight.detach().permute(2, 3, 1, 0).numpy()
        cells["bias"][0, index] = layer.bias.detach().numpy()[:, None]
    scipy.io.savemat(tmp_path / "authors.mat", {"model": cells})
    save_file(network.state_dict(), tmp_path / "own.safetensors")
    model = "model: {name: vdsr, depth: 4, width: 2"
    found = measured(
        *(srkit, tmp_path),
        f"{{name: own, {model}}}, weights: own.safetensors}}",
        f"{{name: port, {model}, bias: false}}, weights: port.pth}}",
        f"{{name: authors, {model}}}, weights: authors.mat}}",
    )
    assert found["own"] == found["authors"] == found["port"], "its first biases are zero"


VARIANTS = """
    from torch import nn
    from sr_core import Model, hookimpl, resize, sr_size

    @hookimpl
    def srkit_register(registry):
        made = {"Odd one": {"width": object()}, "MANY S": {}, "Many M": {"rounds": 2}, "Many L": {"width": 8}}
        registry.model("many", "variants:Many", summary="three have the same tensors", configurations=made)
        registry.model("twin", "variants:Many", summary="again", configurations={"Twin": {}})
        registry.model("twin2", "variants:Many", summary="again", configurations={"twin": {}, "Twin2": {"width": 9}})

    class Many(Model):
        scales = frozenset({2})

        def __init__(self, width: int = 4, rounds: int = 1) -> None:
            super().__init__()
            self.strange = nn.Conv2d(1, width, 1, bias=False)
            self.rounds = rounds

        def forward(self, lr, scale):
            enlarged = resize(lr, scale, sr_size(lr.shape[-2:], scale))
            return enlarged * (0.25 * self.rounds + self.strange(enlarged).mean() * 0)
"""


@pytest.fixture
def variants(install: Install, tmp_path: Path) -> None:
    """A network with variants; `small.pth` fits two of them, `large.pth` one."""
    install("some-variants", "variants", VARIANTS)
    for name, width in (("small", 4), ("large", 8)):
        torch.save({"strange.weight": torch.zeros(width, 1, 1, 1)}, tmp_path / f"{name}.pth")


@pytest.mark.usefixtures("variants")
def test_a_variant_is_named_as_the_map_calls_it(
    srkit: Srkit, photographs: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    command = ("upscale", photographs / "gray.png", "--scale", "2")
    means = {}
    for index, options in enumerate(
        [
            ("--weights", tmp_path / "small.pth", "--model", "Many S"),
            ("--weights", tmp_path / "small.pth", "--model", "many m"),
            ("--weights", tmp_path / "small.pth", "--model", "many", "--set", "rounds=2"),
            ("--weights", tmp_path / "large.pth", "--model", "MANY L", "--set", "rounds=2"),
        ]
    ):
        done = srkit(*command, "-o", tmp_path / f"{index}.png", *options)
        assert done.exit_code == 0, done.output
        assert not caplog.messages
        means[index] = read_picture(tmp_path / f"{index}.png").to_array().mean()
    assert means[0] == pytest.approx(means[1] / 2, rel=0.02)
    assert means[1] == means[2] == means[3]
    assert upscale(textured((8, 8), 1, 0), 2, "many l", weights=tmp_path / "large.pth").shape == (16, 16)
    done = srkit(*command, "-o", tmp_path / "a.png", "--model", "TWIN", "--weights", tmp_path / "small.pth")
    assert done.exit_code == 2
    assert "'TWIN' is what a variant of 'some-variants:twin' and 'some-variants:twin2' is called" in done.output
    assert not caplog.messages


@pytest.mark.usefixtures("variants")
def test_where_weights_fit_several_variants_it_is_said_which_was_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    picture = textured((8, 8), 1, 0)
    upscale(picture, 2, "many", weights=tmp_path / "small.pth")
    assert caplog.messages == [f"{tmp_path / 'small.pth'}: these weights also fit 'Many M'; taken as 'MANY S'"]
    caplog.clear()
    upscale(picture, 2, "many", weights=tmp_path / "small.pth", parameters={"rounds": 1})
    upscale(picture, 2, "many m", weights=tmp_path / "small.pth")
    assert not caplog.messages


@pytest.mark.usefixtures("variants")
def test_the_nearest_network_may_be_a_variant_and_is_written_as_in_a_spec(
    srkit: Srkit, photographs: Path, tmp_path: Path
) -> None:
    said = candidate(srkit, tmp_path, "{model: many, weights: large.pth}")
    assert "The nearest installed network is {name: many, width: 8} ('Many L') (1 of 1 tensors fit)" in said
    small = {"d": 32, "s": 5, "m": 1}
    network = build(discover().registry, "model", ComponentReference.of("fsrcnn", {"scale": 3, **small}))
    save_file(network.state_dict(), tmp_path / "small.safetensors")
    said = candidate(srkit, tmp_path, "{model: fsrcnn, weights: small.safetensors}", scale="3")
    assert "The nearest installed network is {name: fsrcnn, d: 32, s: 5, m: 1} ('FSRCNN-s') at scale 3 (" in said


def test_weights_need_the_name_of_a_network(networks: None, srkit: Srkit, photographs: Path, tmp_path: Path) -> None:
    command = ("upscale", photographs, "-o", tmp_path / "out", "--weights", tmp_path / "w.pth", "--scale", "2")
    for options, name in (((), "bicubic"), (("--model", "spline"), "spline")):
        done = srkit(*command, *options)
        assert done.exit_code == 2
        assert f"--weights needs --model NETWORK: '{name}' is an upsampler, which has none" in done.output
    with pytest.raises(SrkitError, match="weights needs model=NETWORK: 'bicubic' is an upsampler"):
        upscale(textured((8, 8), 3, 0), 2, weights=tmp_path / "w.pth")


def test_a_named_network_takes_the_scale_of_the_card(
    weights: Path, srkit: Srkit, photographs: Path, tmp_path: Path
) -> None:
    command = ("upscale", photographs / "alpha.png", "-o", tmp_path / "a.png", "--model", "small", "--weights")
    done = srkit(*command, weights)
    assert done.exit_code == 0, done.output
    assert read_picture(tmp_path / "a.png").size == (96, 120)
    save_file(dict(read_weights(weights).tensors), tmp_path / "plain.safetensors")
    done = srkit(*command, tmp_path / "plain.safetensors")
    assert done.exit_code == 2
    assert "plain.safetensors: does not say for which one scale it is; choose a scale with --scale" in done.output


def test_a_file_with_a_card_takes_no_parameters(weights: Path, srkit: Srkit, photographs: Path, tmp_path: Path) -> None:
    options = ("-o", tmp_path / "a.png", "--model", weights, "--set", "width=3")
    done = srkit("upscale", photographs / "alpha.png", *options)
    assert done.exit_code == 2
    assert "a weights file brings its own parameters; leave them out" in done.output
