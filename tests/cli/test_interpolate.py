"""`srkit interpolate`: the weights between two trainings of one network, and sheets over alpha."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import Result
from PIL import Image
from torch import Tensor

from sr_core import SrkitError, load_model, read_picture, upscale
from sr_core.building import build, resolved_parameters
from sr_core.checkpoint import WeightsCard, read_weights, write_weights
from sr_core.discovery import discover
from sr_core.interpolating import interpolate
from sr_core.parameters import ComponentReference
from tests.conftest import Install, textured

Srkit = Callable[..., Result]
Make = Callable[..., Path]

PLUGIN = """
    import torch
    from torch import nn
    from sr_core import Model, hookimpl, resize, sr_size

    @hookimpl
    def srkit_register(registry):
        registry.model("linear", "linear_networks:Linear", summary="one convolution of the enlarged picture")
        registry.model("other", "linear_networks:Other", summary="the same by another name")

    class Linear(Model):
        def __init__(self, scale: int, kernel: int = 3) -> None:
            super().__init__()
            self.scales = frozenset({scale})
            self.convolution = nn.Conv2d(1, 1, kernel, padding=kernel // 2)
            self.register_buffer("batches", torch.tensor(0))

        def forward(self, lr, scale):
            return self.convolution(resize(lr, scale, sr_size(lr.shape[-2:], scale)))

    class Other(Linear):
        pass
"""


@pytest.fixture
def made(install: Install, tmp_path: Path) -> Make:
    """A weights file of a network that is linear in its weights: `made("a", seed=1)`."""
    install("some-networks", "linear_networks", PLUGIN)
    registry = discover().registry

    def make(name: str, seed: int, component: str = "linear", scale: int = 2, **parameters: Any) -> Path:
        reference, filled = ComponentReference.of(component, parameters), {"scale": scale, "scales": [scale]}
        network = build(registry, "model", reference, filled)
        random = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            network.convolution.weight.copy_(torch.rand(network.convolution.weight.shape, generator=random) / 9)
            network.convolution.bias.zero_()  # so that nothing is clipped
            network.batches.fill_(seed)
        card = WeightsCard(
            component=component,
            distribution="some-networks",
            parameters=resolved_parameters(registry, "model", reference, filled),
            scales=(scale,),
            spec={"name": f"training {seed}"},
        )
        path = tmp_path / f"{name}.safetensors"
        write_weights(path, network, card)
        return path

    return make


def output(weights: Path, lr: Tensor) -> Tensor:
    with torch.no_grad():
        return load_model(weights)(lr, 2)


# --- weights ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0, 0.2, 0.8, 1])
def test_a_linear_network_makes_the_mixture_of_both_pictures(
    made: Make, srkit: Srkit, tmp_path: Path, alpha: float
) -> None:
    a, b, target = made("a", seed=1), made("b", seed=2), tmp_path / "between.safetensors"
    done = srkit("interpolate", a, b, "--alpha", str(alpha), "-o", target)
    assert done.exit_code == 0, done.output
    assert done.output.strip() == str(target)
    lr = torch.rand(1, 1, 9, 11, generator=torch.Generator().manual_seed(5))
    expected = (1 - alpha) * output(a, lr) + alpha * output(b, lr)
    torch.testing.assert_close(output(target, lr), expected, rtol=0, atol=1e-6)


def test_the_ends_are_the_files_to_the_bit_and_counts_are_the_seconds(made: Make, srkit: Srkit, tmp_path: Path) -> None:
    a, b = made("a", seed=1), made("b", seed=2)
    assert srkit("interpolate", a, b, "--alpha", "0", "--alpha", "1", "-o", tmp_path / "out").exit_code == 0
    first, second = (read_weights(tmp_path / f"out/interpolated_{end}.safetensors").tensors for end in (0, 1))
    for given, between in ((a, first), (b, second)):
        assert torch.equal(between["convolution.weight"], read_weights(given).tensors["convolution.weight"])
        assert between["batches"].item() == 2
        assert between["batches"].dtype == torch.int64


def test_the_card_says_what_it_was_made_of_and_names_no_folder(made: Make, srkit: Srkit, tmp_path: Path) -> None:
    target = tmp_path / "c.safetensors"
    srkit("interpolate", made("a", seed=1), made("b", seed=2), "--alpha", "0.8", "-o", target)
    card = read_weights(target).card
    assert card is not None
    assert (card.component, card.scales, card.parameters) == ("linear", (2,), {"scale": 2, "kernel": 3})
    ends = {
        end: {"file": f"{name}.safetensors", "spec": {"name": f"training {seed}"}}
        for end, name, seed in (("first", "a", 1), ("second", "b", 2))
    }
    assert card.spec == {"interpolated": {"alpha": 0.8, **ends}}
    assert str(tmp_path).encode() not in target.read_bytes()


def test_upscale_takes_the_result(made: Make, srkit: Srkit, photographs: Path, tmp_path: Path) -> None:
    a, b, target = made("a", seed=1), made("b", seed=2), tmp_path / "c.safetensors"
    srkit("interpolate", a, b, "--alpha", "0.5", "-o", target)
    gray, large, exact = photographs / "gray.png", tmp_path / "large.png", ("--precision", "float32")
    done = srkit("upscale", gray, "--model", "linear", "--weights", target, "-o", large, *exact)
    assert done.exit_code == 0, done.output
    mixed = sum(upscale(gray, 2, end, precision="float32").image for end in (a, b)) / 2
    assert (read_picture(large).image - mixed.clamp(0, 1)).abs().max() <= 0.5 / 255 + 1e-5
    assert srkit("upscale", gray, "--model", target, "-o", large).exit_code == 0


def test_files_that_do_not_say_their_network_need_its_name(made: Make, srkit: Srkit, tmp_path: Path) -> None:
    published = []
    for name, seed in (("a", 1), ("b", 2)):
        published.append(tmp_path / f"{name}.pth")
        torch.save({"params": dict(read_weights(made(name, seed=seed)).tensors)}, published[-1])
    target = tmp_path / "c.safetensors"
    refused = srkit("interpolate", *published, "--alpha", "0.5", "-o", target)
    assert refused.exit_code == 2
    assert "a.pth: holds tensors but does not say of which network; add --model NAME and --scale" in refused.output
    done = srkit("interpolate", *published, "--alpha", "0.5", "-o", target, "--model", "linear", "--scale", "2")
    assert done.exit_code == 0, done.output
    own = srkit(
        "interpolate",
        *(path.with_suffix(".safetensors") for path in published),
        "--alpha",
        "0.5",
        "-o",
        tmp_path / "d.safetensors",
    )
    assert own.exit_code == 0
    lr = torch.rand(1, 1, 6, 6)
    assert torch.equal(output(target, lr), output(tmp_path / "d.safetensors", lr))


# --- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", ["-0.1", "1.01", "nan", "half"])
def test_alpha_lies_between_0_and_1(made: Make, srkit: Srkit, alpha: str) -> None:
    done = srkit("interpolate", made("a", seed=1), made("b", seed=2), f"--alpha={alpha}")
    assert done.exit_code == 2
    assert f"a number between 0 (the first weights) and 1 (the second), not {alpha}" in done.output


DIFFERENT: dict[str, tuple[dict[str, Any], str]] = {
    "component": ({"component": "other"}, "the first is of 'linear' of some-networks, the second of 'other'"),
    "parameter": ({"kernel": 5}, "'kernel' is 3 in the first, 5 in the second"),
    "scale": ({"scale": 3}, "'scale' is 2 in the first, 3 in the second"),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_two_networks_are_refused_with_what_differs(made: Make, srkit: Srkit, tmp_path: Path, what: str) -> None:
    changes, complaint = DIFFERENT[what]
    a, b, target = made("a", seed=1), made("b", seed=2, **changes), tmp_path / "c.safetensors"
    done = srkit("interpolate", a, b, "--alpha", "0.5", "-o", target)
    assert done.exit_code == 2
    assert f"{a} and {b} are not weights of one network: " in done.output
    assert complaint in done.output
    assert not target.exists()


def test_tensors_that_differ_are_named(made: Make, srkit: Srkit, tmp_path: Path) -> None:
    a, b = made("a", seed=1), made("b", seed=2)
    held = read_weights(b)
    assert held.card is not None
    tensors = {"convolution.weight": torch.zeros(1, 1, 5, 5), "batches": torch.tensor(1), "more": torch.zeros(2)}
    write_weights(b, tensors, held.card)
    done = srkit("interpolate", a, b, "--alpha", "0.5", "-o", tmp_path / "c.safetensors")
    for complaint in (
        "the second lacks 'convolution.bias'",
        "the first lacks 'more'",
        "'convolution.weight' is (1, 1, 3, 3) in the first, (1, 1, 5, 5) in the second",
    ):
        assert complaint in done.output


def test_each_mistake_is_one_plain_message(
    made: Make, srkit: Srkit, tmp_path: Path, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made("a", seed=1), made("b", seed=2)
    monkeypatch.chdir(tmp_path)
    gray = photographs / "gray.png"
    (tmp_path / "again").mkdir()
    Image.fromarray(textured((20, 20), 1, 3)).save(tmp_path / "again/gray.png")
    a, b = "a.safetensors", "b.safetensors"
    cases: list[tuple[list[str | Path], str]] = [
        ([a, b], "give --alpha ALPHA for weights, --picture IMAGE for a sheet, or both"),
        (["missing.safetensors", b, "--alpha", "0.5"], "missing.safetensors: no such file"),
        ([a, b, "--alpha", "0.5", "--alpha", "0.7", "-o", "c.safetensors"], "2 results need a folder as --output"),
        ([a, b, "--alpha", "0.5", "-o", "c.png"], "c.png: this result is a .safetensors file"),
        ([a, b, "--alpha", "0.5", "-o", a], f"{a} is one of the files given, which would be lost"),
        ([a, b, "--picture", gray, "--picture", "again/gray.png"], "gray_alpha.png would be written twice"),
        ([a, b, "--picture", gray, "--scale", "3", "-o", "c.png"], "'linear' takes scale 2, not 3"),
    ]
    before = sorted(tmp_path.rglob("*"))
    for arguments, complaint in cases:
        done = srkit("interpolate", *arguments)
        assert done.exit_code == 2
        assert complaint in done.output
        assert "Traceback" not in done.output
        assert sorted(tmp_path.rglob("*")) == before


# --- sheets ----------------------------------------------------------------------------------------------------------


def panels(sheet: Path) -> list[np.ndarray]:
    """The upper detail of each panel, inside its frame, from left to right."""
    pixels = np.asarray(Image.open(sheet).convert("RGB")).astype(int)
    marked = (pixels[60] == (0xD9, 0x48, 0x0F)).all(axis=1)  # a row through the upper details: their frames
    starts = [
        x for x in range(2, len(marked) - 256) if marked[x] and marked[x + 1] and marked[x + 254] and not marked[x - 1]
    ]
    return [pixels[45:290, x + 4 : x + 252] for x in starts]


def test_a_sheet_shows_six_alphas_from_the_first_to_the_second(
    made: Make, srkit: Srkit, photographs: Path, tmp_path: Path
) -> None:
    a, b = made("a", seed=1), made("b", seed=2)
    done = srkit("interpolate", a, b, "--picture", photographs / "alpha.png", "-o", tmp_path / "sheet.png")
    assert done.exit_code == 0, done.output
    found = panels(tmp_path / "sheet.png")
    assert len(found) == 6
    distances = [np.abs(panel - found[0]).mean() for panel in found]
    assert distances == sorted(distances)
    for index, alpha in enumerate((0, 0.2, 0.4, 0.6, 0.8, 1)):
        assert np.abs((1 - alpha) * found[0] + alpha * found[-1] - found[index]).mean() < 1
    assert not list(tmp_path.glob("*interpolated*"))


def test_given_alphas_stand_between_the_ends_beside_their_weights(
    made: Make, srkit: Srkit, photographs: Path, tmp_path: Path
) -> None:
    a, b, out = made("a", seed=1), made("b", seed=2), tmp_path / "out"
    pictures = ("--picture", photographs / "gray.png", "--picture", photographs / "beta.png")
    done = srkit("interpolate", a, b, "--alpha", "0.8", *pictures, "-o", out)
    assert done.exit_code == 0, done.output
    written = ["beta_alpha.png", "gray_alpha.png", "interpolated_0.8.safetensors"]
    assert sorted(path.name for path in out.iterdir()) == written
    assert len(panels(out / "gray_alpha.png")) == 3


def test_one_broken_picture_does_not_stop_the_others(
    made: Make, srkit: Srkit, photographs: Path, tmp_path: Path
) -> None:
    (photographs / "broken.png").write_bytes((photographs / "alpha.png").read_bytes()[:900])
    pictures = ("--picture", photographs / "broken.png", "--picture", photographs / "gray.png")
    done = srkit("interpolate", made("a", seed=1), made("b", seed=2), *pictures, "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert f"{photographs / 'broken.png'}: " in done.output
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["gray_alpha.png"]


# --- the function ----------------------------------------------------------------------------------------------------


def test_low_precision_is_mixed_in_high_and_shared_tensors_stay_shared() -> None:
    ends = [torch.tensor([start, 1.0], dtype=torch.float16) for start in (0.1, 0.3)]
    first, second = ({"one": end, "again": end} for end in ends)
    between = interpolate(first, second, 0.5)
    assert between["one"] is between["again"]
    assert between["one"].dtype == torch.float16
    assert between["one"].tolist() == pytest.approx([0.2, 1], abs=1e-4)
    wider = interpolate(first, {name: tensor.float() for name, tensor in second.items()}, 0.5)
    assert wider["one"].dtype == torch.float32


def test_the_ends_are_new_tensors_whatever_the_other_holds() -> None:
    first, second = {"w": torch.tensor([1.0, 2.0])}, {"w": torch.tensor([float("nan"), float("inf")])}
    start = interpolate(first, second, 0)
    assert torch.equal(start["w"], first["w"])
    start["w"].zero_()
    assert first["w"].tolist() == [1, 2]


@pytest.mark.parametrize("alpha", [-0.01, 1.5, float("nan")])
def test_the_function_refuses_what_lies_outside(alpha: float) -> None:
    with pytest.raises(SrkitError, match=re.escape("alpha is between 0 (the first weights) and 1 (the second), not")):
        interpolate({}, {}, alpha)
