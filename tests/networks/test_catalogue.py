"""No network is left out: of the catalogue, of the field's map, of the specs that train it."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from unittest import mock

import pytest

from sr_core.component import Component
from sr_core.discovery import discover
from sr_core.field_map import FRAMEWORKS, UPSAMPLINGS, Variant, field_map
from sr_core.spec.reading import read_spec
from sr_core.spec.run_spec import RunSpec
from tests.networks.catalogue import NETWORKS

PAPERS = Path(__file__).parents[2] / "specs/papers"
REGISTRY = discover().registry
COMPOSED = {"cincgan": "it is made of two networks that are here"}
COMPONENTS = {
    c.name: c
    for c in REGISTRY.all("model")
    if c.distribution.name in ("srkit-cnn", "srkit-gan") and min(c.facts["scales"]) >= 1 and c.name not in COMPOSED
}
"""The official networks that enlarge."""
NOT_TRAINED = {
    ("lapsrn", 3): "the paper brings the network trained for x4 down by bicubic",
    ("ms_lapsrn", 3): "the paper brings its x4 down by bicubic",
}
"""Scales of a paper for which it trains no network; a spec measures them."""

every_component = pytest.mark.parametrize("component", COMPONENTS.values(), ids=COMPONENTS)


def test_every_network_of_the_packages_is_in_the_catalogue() -> None:
    assert {small.component for small in NETWORKS.values()} == set(COMPONENTS)


@cache
def variants() -> list[Variant]:
    """Every network as the field knows it, counted."""
    return field_map(REGISTRY, list(COMPONENTS.values()))


@every_component
def test_every_variant_is_built_and_counted_at_every_scale_of_the_paper(component: Component) -> None:
    mine = [variant for variant in variants() if variant.component is component]
    assert mine
    for variant in mine:
        assert variant.trouble == ""
        assert [cost.scale for cost in variant.costs] == sorted(component.facts["scales"])  # type: ignore[arg-type]
        assert all(cost.parameters and cost.multiply_adds for cost in variant.costs)


def test_no_two_variants_have_the_same_name() -> None:
    names = [variant.name for variant in variants()]
    assert len(set(names)) == len(names)


@every_component
def test_its_place_in_the_field_is_told(component: Component) -> None:
    facts = component.facts
    assert set(facts) == {"year", "framework", "upsampling", "design", "scales"}
    assert isinstance(facts["year"], int)
    assert 2014 <= facts["year"] <= 2026
    assert facts["framework"] in FRAMEWORKS
    assert facts["upsampling"] in UPSAMPLINGS
    assert isinstance(facts["design"], tuple)
    assert facts["design"]
    assert isinstance(facts["scales"], tuple)
    assert facts["scales"]
    assert str(facts["year"]) in component.reference
    assert len(component.summary) <= 100


@cache
def specs() -> list[RunSpec]:
    """The spec of every paper, read as if the folders it names were there."""
    paths = sorted(PAPERS.glob("*.yaml"))
    named = {name for path in paths for name in re.findall(r"\$\{(\w+)\}", path.read_text(encoding="utf-8"))}
    with mock.patch.dict(os.environ, dict.fromkeys(named, "/somewhere")):
        return [read_spec(path, REGISTRY).run for path in paths]


@every_component
def test_a_spec_trains_it_for_each_scale_of_the_paper_or_measures_it(component: Component) -> None:
    trained = {
        scale for run in specs() if run.train and run.train[0].model.name == component.name for scale in run.scale
    }
    for scale in component.facts["scales"]:  # type: ignore[union-attr]
        assert (scale in trained) != ((component.name, scale) in NOT_TRAINED), scale
        assert any(scale in run.scale and component.name in measured(run) for run in specs()), scale


def measured(run: RunSpec) -> set[str]:
    """The networks among its candidates."""
    candidates = run.evaluate.candidates if run.evaluate else ()
    names = {candidate.model.name for candidate in candidates if candidate.model}
    return names | ({run.train[0].model.name} if run.train and "trained" in names else set())
