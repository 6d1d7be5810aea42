"""`srkit interpolate`: two weights files read, the weights between them written, and pictures of every alpha."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

import torch

from sr_core.atomic import atomic_write
from sr_core.building import build, resolved_parameters
from sr_core.checkpoint import WeightsCard, read_weights, write_weights
from sr_core.errors import SrkitError
from sr_core.field_map import network_called
from sr_core.guard import guarded
from sr_core.imaging.files import Picture
from sr_core.imaging.resize import resize
from sr_core.inference.networks import ready
from sr_core.inference.pictures import super_resolve_picture
from sr_core.inference.precision import Precision, choose_precision
from sr_core.interfaces.capabilities import describe_method_scales, method_takes
from sr_core.interfaces.model import Model
from sr_core.interpolating import Trained, check_pair, interpolate, interpolate_trained
from sr_core.parameters import ComponentReference
from sr_core.registry import Registry
from sr_core.reporting.sheet import Panel, draw_sheet
from sr_core.scales import Scale, describe_scale
from sr_core.upscaling import filled_network
from sr_core.weights import only_scale

SWEEP = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""The alphas of a sheet where none are given."""
_LONGEST_NOTE = 30


class Pair(NamedTuple):
    """Two trainings of one network.

    Attributes:
        first: alpha 0.
        second: alpha 1.
    """

    first: Trained
    second: Trained

    @property
    def only_scale(self) -> Scale | None:
        """The scale of a pair that was trained for one alone."""
        return only_scale(self.first.card) or only_scale(self.second.card)


def read_pair(registry: Registry, first: Path, second: Path, model: str | None, scale: Scale | None) -> Pair:
    """Two weights files of one network.

    Args:
        registry: what is installed.
        first: at alpha 0.
        second: at alpha 1.
        model: network or variant of a file that does not say its own, as others than srkit write.
        scale: SR size over LR size, for such a file.

    Raises:
        SrkitError: one cannot be read or does not fit the network, or they are not of one network.
    """
    pair = Pair(_read(registry, first, model, scale), _read(registry, second, model, scale))
    check_pair(*pair)
    return pair


def write_between(pair: Pair, alpha: float, target: Path) -> None:
    """Write the weights at `alpha`, 0 … 1, with a card that says what they were made of.

    Raises:
        SrkitError: the file cannot be written.
    """
    tensors, card = interpolate_trained(*pair, alpha)
    write_weights(target, tensors, card)


class Sweep:
    """The pictures that a pair's networks make at several alphas.

    Args:
        registry: what is installed, to build the network.
        pair: whose networks.
        alphas: 0 … 1, in the order they are shown.
        scale: SR size over LR size.
        device: where to compute.
        precision: of the network.

    Raises:
        SrkitError: the network is not installed, cannot be built, or does not take the scale.
    """

    def __init__(
        self,
        registry: Registry,
        pair: Pair,
        alphas: Iterable[float],
        scale: Scale,
        device: torch.device,
        precision: Literal["auto"] | Precision = "auto",
    ) -> None:
        self._pair, self._alphas, self._scale = pair, tuple(alphas), scale
        self._device, self._precision = device, choose_precision(precision, device)
        card = pair.second.card
        model: Model = build(registry, "model", ComponentReference.of(card.qualified_name, card.parameters))
        if not method_takes(model, scale):
            takes = describe_method_scales(model)
            raise SrkitError(f"'{card.component}' takes scale {takes}, not {describe_scale(scale)}")
        self._model = ready(model, device)

    def draw(self, picture: Picture, name: str, target: Path) -> None:
        """Write a sheet: the picture enlarged by bicubic, and its details at every alpha side by side.

        Args:
            picture: gray or RGB.
            name: what the sheet calls it.
            target: the PNG file.

        Raises:
            SrkitError: the network does not take the picture, or the file cannot be written.
        """
        panels = [
            Panel(f"alpha {alpha:g}", self._note(alpha), self._enlarged(picture, alpha)) for alpha in self._alphas
        ]
        size = (panels[0].picture.shape[-2], panels[0].picture.shape[-1])
        overview = resize(picture.image, self._scale, size)
        network = self._pair.second.card.component
        title = f"{name}   x{describe_scale(self._scale)}   {network}, (1 - alpha) · first + alpha · second"
        with atomic_write(target) as partial:
            draw_sheet(title, overview, panels).save(partial, "PNG")

    def _enlarged(self, picture: Picture, alpha: float) -> torch.Tensor:
        first, second = self._pair
        with guarded("the network refused the weights"):
            self._model.load_state_dict(interpolate(first.tensors, second.tensors, alpha))
        return super_resolve_picture(self._model, picture, self._scale, self._device, self._precision).image

    def _note(self, alpha: float) -> str:
        """Which training an end is."""
        if alpha not in (0, 1):
            return ""
        trained = self._pair.second if alpha else self._pair.first
        said = f"{'second' if alpha else 'first'}: {trained.card.spec.get('name', trained.path.name)}"
        return said if len(said) <= _LONGEST_NOTE else f"{said[: _LONGEST_NOTE - 1]}…"


def _read(registry: Registry, path: Path, model: str | None, scale: Scale | None) -> Trained:
    weights = read_weights(path)
    if weights.card is not None:
        return Trained(path, weights.tensors, weights.card)
    if model is None or scale is None:
        raise SrkitError(f"{path}: holds tensors but does not say of which network; add --model NAME and --scale SCALE")
    network = filled_network(registry, model, {}, scale, path)
    called, filled = network_called(registry, model), {"scale": scale, "scales": [scale]}
    component = registry.get("model", called.name)
    card = WeightsCard(
        component=component.name,
        distribution=component.distribution.name,
        parameters=resolved_parameters(
            registry, "model", ComponentReference.of(called.name, called.parameters), filled
        ),
        scales=(scale,),
        channels=network.channels,
    )
    return Trained(path, network.state_dict(), card)
