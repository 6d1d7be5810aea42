"""`upscale`: from Python, one call from a small picture to a large one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from sr_core.building import build
from sr_core.discovery import discover
from sr_core.errors import PictureError, UnknownComponentError
from sr_core.imaging.files import Picture, read_picture, write_picture
from sr_core.imaging.size import Scale
from sr_core.inference.devices import choose_device
from sr_core.inference.engine import super_resolve
from sr_core.inference.pictures import super_resolve_picture
from sr_core.interfaces.upsampler import Upsampler
from sr_core.parameters import ComponentReference
from sr_core.registry import Registry


def upscale(
    picture: Path | str | Picture | Image.Image | np.ndarray[Any, Any] | Tensor,
    scale: Scale,
    model: str = "bicubic",
    *,
    parameters: Mapping[str, Any] | None = None,
    device: str = "auto",
) -> Any:  # noqa: ANN401 - the kind of picture that was given
    """Enlarge a picture by `scale`.

    Args:
        picture: a file's path, a `Picture`, a Pillow image, an H×W(×C) array (uint8, uint16 or float in [0, 1]) or
            an N×C×H×W tensor in [0, 1].
        scale: SR size over LR size, from 1 upwards; a number, or (vertical, horizontal).
        model: name of an installed method (`srkit list-plugins --kind upsampler`).
        parameters: the method's parameters.
        device: `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.

    Returns:
        The same kind of picture as was given; a `Picture` for a path.

    Raises:
        SrkitError: with what is wrong and what to do.

    >>> upscale(np.zeros((8, 10, 3), np.uint8), 2.5).shape
    (20, 25, 3)
    """
    chosen = choose_device(device)
    method = find_upsampler(discover().registry, model, parameters or {}, scale)
    if isinstance(picture, Tensor):
        return super_resolve(method, picture.to(chosen), scale).to(picture.device)
    if isinstance(picture, np.ndarray):
        made = super_resolve_picture(method, Picture.from_array(picture), scale, chosen)
        return _as_array(made, picture)
    if isinstance(picture, Image.Image):
        return super_resolve_picture(method, Picture.from_pil(picture), scale, chosen).to_pil()
    if not isinstance(picture, Picture):
        picture = read_picture(picture)
    return super_resolve_picture(method, picture, scale, chosen)


def upscale_files(
    registry: Registry, images: Sequence[Path], output: Path, scale: float, model: str, device: str
) -> Iterator[Path]:
    """Enlarge picture files one by one, and yield each file as it is written.

    One picture goes to `output` itself if that has a suffix; otherwise `output` is a folder, and every picture keeps
    its name with `_x<scale>` added.

    Raises:
        SrkitError: with what is wrong; files already written stay.
    """
    chosen = choose_device(device)
    method = find_upsampler(registry, model, {}, scale)
    into_folder = output.is_dir() or not output.suffix
    if len(images) > 1 and not into_folder:
        raise PictureError(f"{output}: several pictures need a folder as --output")
    targets = [output / f"{image.stem}_x{scale:g}{image.suffix}" if into_folder else output for image in images]
    if len(set(targets)) < len(targets):
        raise PictureError("two of the pictures have the same name; enlarge them one by one")
    for image, target in zip(images, targets, strict=True):
        write_picture(super_resolve_picture(method, read_picture(image), scale, chosen), target)
        yield target


def find_upsampler(registry: Registry, name: str, parameters: Mapping[str, Any], scale: Scale) -> Upsampler:
    """The upsampler of that name, built.

    Raises:
        UnknownComponentError: there is none; a model of that name is said to need weights.
        ParameterError: the parameters do not fit.
    """
    if registry.has("model", name) and not registry.has("upsampler", name):
        raise UnknownComponentError(
            f"'{name}' is a model and needs weights; in a spec, upscale: {{with: {{model: {name}, weights: FILE}}}}"
        )
    reference = ComponentReference.of(name, parameters)
    upsampler: Upsampler = build(registry, "upsampler", reference, {"scale": scale})
    return upsampler


def _as_array(made: Picture, given: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The result in the type and shape of the array that was given."""
    if given.dtype.kind == "f":
        planes = [made.image] if made.alpha is None else [made.image, made.alpha]
        array = np.concatenate([plane[0].permute(1, 2, 0).numpy() for plane in planes], axis=2).astype(given.dtype)
    else:
        array = np.atleast_3d(made.to_array())
    return array if given.ndim == 3 else array[..., 0]
