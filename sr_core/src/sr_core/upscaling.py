"""`upscale`: from Python, one call from a small picture to a large one."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image
from rich.console import Console
from torch import Tensor

from sr_core.building import build
from sr_core.checkpoint import read_weights
from sr_core.data.pictures import list_pictures
from sr_core.discovery import discover
from sr_core.errors import PictureError, SrkitError, UnknownComponentError
from sr_core.field_map import network_called
from sr_core.imaging.files import Picture, check_target, read_picture
from sr_core.inference.devices import choose_device
from sr_core.inference.engine import Method, super_resolve
from sr_core.inference.networks import ready
from sr_core.inference.pictures import Enlarged, enlarged_name, super_resolve_files, super_resolve_picture
from sr_core.inference.precision import Precision, autocast, choose_precision
from sr_core.interfaces.capabilities import describe_method_scales, method_takes
from sr_core.interfaces.model import Model
from sr_core.interfaces.upsampler import Upsampler
from sr_core.parameters import ComponentReference
from sr_core.progress import bar
from sr_core.registry import Registry
from sr_core.scales import Scale, describe_scale
from sr_core.weights import load_into, only_scale, rebuild

_log = logging.getLogger("srkit")

WEIGHTS_SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".pkl", ".bin", ".mat")
"""What weights files are called anywhere; what one is, its content tells."""
_LEAST_TILE = 16
"""LR pixels of a side; smaller ones are mostly margin."""


def upscale(
    picture: Path | str | Picture | Image.Image | np.ndarray[Any, Any] | Tensor,
    scale: Scale,
    model: Path | str = "bicubic",
    *,
    parameters: Mapping[str, Any] | None = None,
    weights: Path | str | None = None,
    device: str = "auto",
    precision: Literal["auto"] | Precision = "auto",
    tile: int | None = None,
) -> Any:  # noqa: ANN401 - the kind of picture that was given
    """Enlarge a picture by `scale`.

    Args:
        picture: a file's path, a `Picture`, a Pillow image, an H×W(×C) array (uint8, uint16 or float in [0, 1]) or
            an N×C×H×W tensor in [0, 1].
        scale: SR size over LR size, from 1 upwards; a number, or (vertical, horizontal).
        model: name of an installed method (`srkit list-plugins`), or a weights file that srkit wrote; with `weights`,
            of a network or one of its variants (`srkit models`).
        parameters: the method's parameters; a weights file brings its own.
        weights: the weights of a network that `model` names, in any form that is read.
        device: `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.
        precision: of networks; `auto` is bfloat16 where the hardware is fast at it.
        tile: LR pixels of a tile's side, 16 or more; by default only what does not fit into memory is cut in tiles.

    Returns:
        The same kind of picture as was given; a `Picture` for a path.

    Raises:
        SrkitError: with what is wrong and what to do.

    >>> upscale(np.zeros((8, 10, 3), np.uint8), 2.5).shape
    (20, 25, 3)
    """
    _check_tile(tile)
    chosen = choose_device(device)
    registry = discover().registry
    if weights is not None:
        if _is_upsampler_alone(registry, str(model)):
            raise SrkitError(f"weights needs model=NETWORK: '{model}' is an upsampler, which has none")
        method: Method = ready(filled_network(registry, str(model), parameters or {}, scale, Path(weights)), chosen)
    elif is_weights_file(registry, model):
        _refuse_parameters(model, parameters)
        method = ready(rebuild(registry, Path(model)).model, chosen)
    else:
        method = find_upsampler(registry, str(model), parameters or {}, scale)
    _say_what_does_nothing(method, str(model), precision, tile)
    number_format = choose_precision(precision, chosen)
    if isinstance(picture, Tensor):
        with autocast(number_format if isinstance(method, Model) else "float32", chosen):
            # A copy, since what inference mode makes cannot take part in training.
            return super_resolve(method, _pixels(picture).to(chosen), scale, tile).to(picture.device).clone()
    try:
        given = _as_picture(picture)
    except (ValueError, TypeError) as error:
        raise PictureError(f"this is no picture that can be enlarged: {error}") from error
    made = super_resolve_picture(method, given, scale, chosen, number_format, tile)
    if isinstance(picture, np.ndarray):
        return _as_array(made, picture)
    return made.to_pil() if isinstance(picture, Image.Image) else made


def _pixels(tensor: Tensor) -> Tensor:
    """The tensor, if it can be a batch of pictures."""
    if tensor.ndim != 4 or not tensor.is_floating_point():
        found = f"{tuple(tensor.shape)} of {tensor.dtype}"
        raise PictureError(f"a tensor of pictures is N×C×H×W floating point in [0, 1], this one is {found}")
    return tensor


def _as_picture(picture: Path | str | Picture | Image.Image | np.ndarray[Any, Any]) -> Picture:
    if isinstance(picture, np.ndarray):
        return Picture.from_array(picture)
    if isinstance(picture, Image.Image):
        return Picture.from_pil(picture)
    return picture if isinstance(picture, Picture) else read_picture(picture)


def upscale_files(
    registry: Registry,
    sources: Sequence[Path | str],
    output: Path,
    scale: Scale | None,
    model: str,
    device: str,
    console: Console,
    *,
    parameters: Mapping[str, Any] | None = None,
    weights: Path | None = None,
    precision: Literal["auto"] | Precision = "auto",
    tile: int | None = None,
    quality: int | None = None,
) -> Iterator[Enlarged]:
    """Enlarge picture files one by one, and yield what became of each.

    One picture goes to `output` itself if that has a suffix; otherwise `output` is a folder, and every picture keeps
    its name with `_x<scale>` added. A picture that cannot be enlarged does not stop the others.

    Args:
        registry: where `model` is looked up.
        sources: files, folders and glob patterns.
        output: a file or a folder.
        scale: SR size over LR size; None for the only one of a weights file.
        model: name of an upsampler, or a weights file; with `weights`, name of a network or of one of its variants.
        device: `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.
        console: for the progress bar.
        parameters: of the upsampler or network; a weights file that is the `model` brings its own.
        weights: the weights of the network that `model` names.
        precision: of networks.
        tile: LR pixels of a tile's side; None to cut only what does not fit into memory.
        quality: 1 … 100, of JPEG and WebP; None for the best.

    Raises:
        SrkitError: with a mistake that concerns all pictures, before any is written.
    """
    _check_tile(tile)
    if weights is not None and _is_upsampler_alone(registry, model):
        raise SrkitError(
            f"--weights needs --model NETWORK: '{model}' is an upsampler, which has none (srkit models lists networks; "
            f"a file that srkit wrote knows its own: --model {weights})"
        )
    pictures = [picture for source in sources for picture in list_pictures(source)]
    chosen = choose_device(device)
    rebuilt = rebuild(registry, Path(model)) if weights is None and is_weights_file(registry, model) else None
    if rebuilt is not None:
        _refuse_parameters(model, parameters)
    scale = scale or (rebuilt.only_scale if rebuilt else None)
    if scale is None and weights is not None:
        card = read_weights(weights).card
        scale = None if card is None else only_scale(card)
        if scale is None:
            raise SrkitError(f"{weights}: does not say for which one scale it is; choose a scale with --scale")
    if scale is None:
        raise SrkitError(f"'{model}' takes more than one scale; choose one with --scale")
    files = list(zip(pictures, _targets(pictures, output, scale, quality), strict=True))
    if weights is not None:
        method: Method = ready(filled_network(registry, model, parameters or {}, scale, weights), chosen)
    else:
        method = ready(rebuilt.model, chosen) if rebuilt else find_upsampler(registry, model, parameters or {}, scale)
    if not method_takes(method, scale):
        raise SrkitError(f"'{model}' takes scale {describe_method_scales(method)}, not {describe_scale(scale)}")
    _say_what_does_nothing(method, model, precision, tile)
    number_format = choose_precision(precision, chosen)
    with bar(console, "upscaling", len(files)) as progress:
        for done in super_resolve_files(method, files, scale, chosen, number_format, tile, quality):
            progress.advance(done.source.name)
            with progress.aside():
                yield done


def _check_tile(tile: int | None) -> None:
    if tile is not None and (type(tile) is not int or tile < _LEAST_TILE):
        raise SrkitError(f"a tile's side is {_LEAST_TILE} LR pixels or more, not {tile}")


def _is_upsampler_alone(registry: Registry, name: str) -> bool:
    return registry.has("upsampler", name) and not registry.has("model", network_called(registry, name).name)


def _refuse_parameters(model: Path | str, parameters: Mapping[str, Any] | None) -> None:
    if parameters:
        raise SrkitError(f"{model}: a weights file brings its own parameters; leave them out")


def _say_what_does_nothing(method: Method, name: str, precision: str, tile: int | None) -> None:
    """Log which of a network's options were given for an upsampler."""
    given = [word for word, is_given in (("precision", precision != "auto"), ("tile", tile is not None)) if is_given]
    if given and not isinstance(method, Model):
        _log.warning("'%s' is no network, for which alone there is: %s", name, ", ".join(given))


def _targets(pictures: Sequence[Path], output: Path, scale: Scale, quality: int | None) -> list[Path]:
    """Where each picture goes; every mistake in that is found before the work."""
    into_folder = output.is_dir() or not output.suffix
    if len(pictures) > 1 and not into_folder:
        raise PictureError(f"{output}: several pictures need a folder as --output")
    targets = [output / enlarged_name(picture, scale) if into_folder else output for picture in pictures]
    origins: dict[Path, Path] = {}
    for picture, target in zip(pictures, targets, strict=True):
        check_target(target, quality)
        if target.exists() and target.samefile(picture):
            raise PictureError(f"{target} is the picture itself; its original would be lost: choose another --output")
        if target in origins:
            raise PictureError(f"{origins[target]} and {picture} have the same name; enlarge them one by one")
        origins[target] = picture
    return targets


def is_weights_file(registry: Registry, model: Path | str) -> bool:
    """Whether `model` means a file: no upsampler has that name, and it has a folder or a suffix, or is there.

    A file that is not there counts too, so that it is missed as a file and not as a name.
    """
    path = Path(model)
    if isinstance(model, str) and registry.has("upsampler", model):
        return False
    return path.suffix in WEIGHTS_SUFFIXES or len(path.parts) > 1 or os.path.isfile(path)


def filled_network(registry: Registry, name: str, parameters: Mapping[str, Any], scale: Scale, weights: Path) -> Model:
    """The network or variant of that name with the tensors of a weights file.

    Args:
        registry: where the name is looked up.
        name: of a network, or of one of its variants.
        parameters: besides those of the variant.
        scale: SR size over LR size.
        weights: the file.

    Raises:
        SrkitError: there is no such network, the parameters do not fit it, or the tensors do not.
    """
    called, filled = network_called(registry, name), {"scale": scale, "scales": [scale]}
    reference = ComponentReference.of(called.name, {**called.parameters, **parameters})
    network: Model = build(registry, "model", reference, filled)
    load_into(registry, reference, network, weights, filled, is_variant=not registry.has("model", name))
    return network


def find_upsampler(registry: Registry, name: str, parameters: Mapping[str, Any], scale: Scale) -> Upsampler:
    """The upsampler of that name, built.

    Raises:
        UnknownComponentError: there is none; a model of that name is said to need weights.
        ParameterError: the parameters do not fit.
    """
    if registry.has("model", name) and not registry.has("upsampler", name):
        raise UnknownComponentError(
            f"'{name}' is a model and needs weights: add --weights FILE, or in a spec "
            f"upscale: {{with: {{model: {name}, weights: FILE}}}}"
        )
    reference = ComponentReference.of(name, parameters)
    upsampler: Upsampler = build(registry, "upsampler", reference, {"scale": scale})
    return upsampler


def _as_array(made: Picture, given: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The result in the type and shape of the array that was given."""
    array = np.atleast_3d(made.to_array()).astype(given.dtype)
    return array if given.ndim == 3 else array[..., 0]
