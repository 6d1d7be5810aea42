"""What the documentation shows is true: its code runs, its specs are good, its docstring examples hold."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import pkgutil
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import Result

import sr_core
import sr_plugins_cnn
import sr_plugins_gan
import sr_plugins_interp
import sr_plugins_losses
from sr_core import upscale
from sr_core.building import build
from sr_core.discovery import discover
from sr_core.inference.engine import super_resolve
from sr_core.parameters import ComponentReference
from sr_core.spec.reading import read_spec
from sr_core.testing import check_backbone, check_discriminator, check_loss, check_model, check_upsampler
from tests.conftest import Install

ROOT = Path(__file__).parents[2]
MODULES = [
    module.name
    for package in (sr_core, sr_plugins_interp, sr_plugins_cnn, sr_plugins_losses, sr_plugins_gan)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not module.name.endswith("__main__")
]


def blocks(document: str, language: str) -> list[str]:
    """The fenced code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_adding_an_upsampler_is_one_file_one_line_one_test_as_contributing_says(install: Install) -> None:
    file, line, _ = blocks("CONTRIBUTING.md", "python")
    file = file.replace("from __future__ import annotations\n", "")
    hook = f"from sr_core import hookimpl\n\n@hookimpl\ndef srkit_register(registry):\n{line}"
    install("contributed", "contributed", file + hook.replace("sr_plugins_interp.soft", "contributed"))
    check_upsampler(discover().registry.get("upsampler", "soft").load()())
    image = torch.rand(1, 3, 8, 8)
    assert torch.equal(upscale(image, 2, "soft", parameters={"smoothness": 0}), upscale(image, 2, "bicubic"))


def test_the_plugin_of_writing_a_plugin_works(install: Install, srkit: Callable[..., Result]) -> None:
    plugin, method, *_ = blocks("docs/writing-a-plugin.md", "python")
    site = install("srkit-sharp", "srkit_sharp_plugin", plugin.replace("srkit_sharp.unsharp", "srkit_sharp_unsharp"))
    (site / "srkit_sharp_unsharp.py").write_text(method, encoding="utf-8")
    check_upsampler(discover().registry.get("upsampler", "unsharp").load()())
    assert "amount: float, ≥ 0 — default 0.5" in srkit("show", "upsampler", "unsharp").output


def test_the_network_of_writing_a_plugin_keeps_its_contract(install: Install) -> None:
    code = next(block for block in blocks("docs/writing-a-plugin.md", "python") if "class Tiny" in block)
    install("tiny", "tiny_network", code)
    tiny = importlib.import_module("tiny_network").Tiny
    check_model(tiny(scale=3))
    check_model(tiny(scale=2, width=4))


def test_the_discriminator_of_writing_a_plugin_judges_in_the_adversarial_loss(install: Install) -> None:
    code = next(block for block in blocks("docs/writing-a-plugin.md", "python") if "class Coarse" in block)
    register = """
from sr_core import hookimpl

@hookimpl
def srkit_register(registry):
    registry.part("coarse", "coarse_discriminator:Coarse", summary="two convolutions")
"""
    install("coarse", "coarse_discriminator", code + register)
    check_discriminator(importlib.import_module("coarse_discriminator").Coarse())
    reference = ComponentReference.of("gan", {"discriminator": {"name": "coarse", "width": 6}, "feature_matching": 1})
    check_loss(build(discover().registry, "loss", reference))


def test_the_backbone_of_writing_a_plugin_stands_in_any_scale_networks(install: Install) -> None:
    code = next(block for block in blocks("docs/writing-a-plugin.md", "python") if "class Blurry" in block)
    register = """
from sr_core import hookimpl

@hookimpl
def srkit_register(registry):
    registry.part("blurry", "blurry_backbone:Blurry", summary="two convolutions")
"""
    install("blurry", "blurry_backbone", code + register)
    blurry = importlib.import_module("blurry_backbone").Blurry
    check_backbone(blurry())
    registry = discover().registry
    for name, argument in (("meta", "backbone"), ("liif", "encoder")):
        reference = ComponentReference.of(name, {argument: {"name": "blurry", "width": 6}})
        network = build(registry, "model", reference)
        picture = torch.rand(1, 3, 37, 42)
        whole = super_resolve(network.eval(), picture, 2.37)
        assert whole.shape[-2:] == (88, 100)
        assert (super_resolve(network, picture, 2.37, tile=16) - whole).abs().max() <= 4e-5 * whole.abs().max()


@pytest.mark.parametrize("path", sorted((ROOT / "specs").rglob("*.yaml")), ids=lambda path: path.stem)
def test_the_ready_specs_are_good(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in re.findall(r"\$\{(\w+)\}", path.read_text(encoding="utf-8")):
        monkeypatch.setenv(variable, "/where/it/is")
    assert read_spec(path, discover().registry).run.name == path.stem


def test_every_version_is_the_same() -> None:
    versions = {
        re.findall(r'^version = "(.*)"$', path.read_text(encoding="utf-8"), re.MULTILINE)[0]
        for path in (ROOT / "pyproject.toml", *ROOT.glob("sr_*/pyproject.toml"))
    }
    assert versions == {sr_core.__version__}


def test_no_document_has_a_gap_left_to_fill() -> None:
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\b[A-Z]+_TABLE\b|TODO|FIXME|TBD", text), path


@pytest.mark.parametrize("document", ["README.md", "docs/training.md"])
def test_the_specs_that_documents_show_are_good(document: str, tmp_path: Path) -> None:
    texts = blocks(document, "yaml")
    assert texts
    for text in texts:
        (tmp_path / "shown.yaml").write_text(text, encoding="utf-8")
        assert read_spec(tmp_path / "shown.yaml", discover().registry).run.scale


@pytest.mark.parametrize("page", ["spec", "components", "models"])
def test_the_reference_pages_are_current(page: str) -> None:
    """If this fails: python docs/generate.py."""
    found = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    assert found is not None
    assert found.loader is not None
    generate = importlib.util.module_from_spec(found)
    found.loader.exec_module(generate)
    assert (ROOT / f"docs/{page}.md").read_text(encoding="utf-8") == getattr(generate, f"{page}_page")()
