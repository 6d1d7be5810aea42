"""What this machine has for srkit, and what is wrong with it."""

from __future__ import annotations

import importlib.util
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sr_core.discovery import Discovery
from sr_core.errors import PluginError, SrkitError
from sr_core.guard import guarded

OLDEST_PYTHON = (3, 11)
OLDEST_TORCH = (2, 6)
CODECS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP")


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        state: `good`, `note` (works, but could be better) or `wrong`.
        what: what was found.
        mend: the command or step that mends it; empty where nothing is to be done.
    """

    state: Literal["good", "note", "wrong"]
    what: str
    mend: str = ""


def diagnose(discovery: Discovery) -> list[Finding]:
    """Look at everything; nothing found wrong keeps the rest from being looked at."""
    return [*_python(), *_torch(), *_pictures(), *_plugins(discovery)]


def _python() -> Iterator[Finding]:
    found = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info[:2] < OLDEST_PYTHON:
        yield Finding("wrong", found, "srkit needs Python 3.11 or later")
    else:
        yield Finding("good", found)


def _torch() -> Iterator[Finding]:
    try:
        with guarded("PyTorch cannot be imported"):
            import torch
    except SrkitError as error:
        yield Finding("wrong", str(error), "pip install --force-reinstall torch")
        return
    version = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])
    outdated = version < OLDEST_TORCH
    mend = "pip install --upgrade 'torch>=2.6'" if outdated else ""
    yield Finding(
        "wrong" if outdated else "good", f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads", mend
    )
    yield from _devices()


def _devices() -> Iterator[Finding]:
    import torch

    from sr_core.inference.devices import choose_device, describe_device
    from sr_core.inference.precision import has_fast_bfloat16

    for index in range(torch.cuda.device_count()):
        yield from _device(torch.device("cuda", index))
    if torch.version.cuda is not None and not torch.cuda.is_available():
        yield Finding(
            "note",
            f"PyTorch is built for CUDA {torch.version.cuda}, but finds no GPU",
            "check the driver with nvidia-smi",
        )
    if torch.backends.mps.is_available():
        yield Finding("good", "device mps")
    yield from _device(torch.device("cpu"))
    yield Finding("good", f"device auto is {describe_device(choose_device('auto'))}")
    if not has_fast_bfloat16(torch.device("cpu")) and not torch.cuda.is_available():
        yield Finding("note", "no fast bfloat16 here: networks run in float32")


def _device(device: object) -> Iterator[Finding]:
    """A device that can be computed on, and its fast formats."""
    import torch

    from sr_core.inference.devices import describe_device
    from sr_core.inference.precision import has_fast_bfloat16

    assert isinstance(device, torch.device)  # noqa: S101 - the annotation cannot name torch before it is imported
    try:
        with guarded(f"device {device} cannot be computed on"):
            torch.ones(8, device=device).sum().item()
    except SrkitError as error:
        yield Finding("wrong", str(error), "srkit run … --device cpu")
        return
    fast = "fast bfloat16" if has_fast_bfloat16(device) else "bfloat16 is not faster than float32"
    yield Finding("good", f"device {describe_device(device)}: {fast}")


def _pictures() -> Iterator[Finding]:
    from PIL import Image, features

    Image.init()
    missing = [name for name in CODECS if name not in Image.SAVE]
    if not features.check("webp"):
        missing.append("WebP")
    deep = [name for name in ("imagecodecs", "tifffile") if importlib.util.find_spec(name) is None]
    if missing or deep:
        lost = ", ".join([*missing, *deep])
        yield Finding("wrong", f"pictures: missing {lost}", "pip install --force-reinstall pillow imagecodecs tifffile")
    else:
        yield Finding("good", f"pictures: {', '.join(CODECS)} in 8 bits, PNG and TIFF in 16")
    if importlib.util.find_spec("skimage") is None:
        yield Finding("note", "the sample photographs are not installed", 'pip install "srkit[samples]"')


def _plugins(discovery: Discovery) -> Iterator[Finding]:
    """Every distribution with what cannot be imported of it, and every failure."""
    from sr_core.parameters import parameter_model

    for distribution in dict.fromkeys(plugin.distribution for plugin in discovery.plugins):
        components = [c for c in discovery.registry.all() if c.distribution == distribution]
        faults = []
        for component in components:
            try:
                parameter_model(component.load())
            except PluginError as error:
                faults.append(str(error))
        if faults:
            yield Finding(
                "wrong", f"plugin {distribution}: {'; '.join(faults)}", f"pip install --upgrade {distribution.name}"
            )
        else:
            yield Finding("good", f"plugin {distribution}: {len(components)} components")
    for failure in discovery.failures:
        name = failure.distribution.name
        mend = f"pip install --upgrade {name}, pip uninstall {name}, or SRKIT_DISABLE_PLUGINS={name}"
        yield Finding("wrong", f"plugin {failure}", mend)
