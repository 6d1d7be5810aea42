"""Find the installed plugins, load each one alone, and keep what fails beside what works."""

from __future__ import annotations

import configparser
import os
import re
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import entrypoints
import pluggy

from sr_core import hooks
from sr_core.component import Distribution
from sr_core.errors import PluginError
from sr_core.guard import describe, guarded
from sr_core.registry import OFFICIAL_DISTRIBUTIONS, Registrar, Registry

GROUP = "srkit.plugins"


@dataclass(frozen=True)
class Failure:
    """A plugin that was left out, and why."""

    distribution: Distribution
    reason: str

    def __str__(self) -> str:
        return f"{self.distribution}: {self.reason}"


@dataclass(frozen=True)
class Plugin:
    """A loaded plugin; `hooks` calls this plugin alone."""

    name: str
    distribution: Distribution
    hooks: pluggy.HookRelay


@dataclass(frozen=True)
class Discovery:
    """All that is installed: what registered, who registered it, and what failed."""

    registry: Registry
    plugins: tuple[Plugin, ...]
    failures: tuple[Failure, ...]


def discover() -> Discovery:
    """Load every plugin of this environment; a failing one becomes a `Failure` and the rest goes on.

    `SRKIT_DISABLE_PLUGINS=a,b` skips plugins by distribution or entry-point name before anything is imported.

    Raises:
        PluginError: something failed and `SRKIT_STRICT_PLUGINS=1` is set (for plugin authors); nothing otherwise.
    """
    registry = Registry()
    plugins: list[Plugin] = []
    found, failures = _entry_points()
    disabled = {_normalised(name) for name in os.environ.get("SRKIT_DISABLE_PLUGINS", "").split(",")}
    for entry_point, distribution in sorted(found, key=_official_first):
        if _normalised(entry_point.name) in disabled or distribution.name in disabled:
            continue
        try:
            plugins.append(_load(entry_point, distribution, registry))
        except PluginError as error:
            failures.append(Failure(distribution, str(error)))
    if failures and strict():
        raise PluginError("\n".join(str(failure) for failure in failures))
    return Discovery(registry, tuple(plugins), tuple(failures))


def strict() -> bool:
    """Whether a plugin's failure is fatal, as its author asks with `SRKIT_STRICT_PLUGINS=1`."""
    return os.environ.get("SRKIT_STRICT_PLUGINS") == "1"


def _load(entry_point: entrypoints.EntryPoint, distribution: Distribution, registry: Registry) -> Plugin:
    """Import one plugin, check its hooks, and enter its components all or none."""
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    registrar = Registrar(distribution)
    with guarded(f"importing {entry_point.module_name}", PluginError):
        module = entry_point.load()
    with guarded("checking its hooks", PluginError):
        manager.register(module, entry_point.name)
        manager.check_pending()
    if not manager.get_hookcallers(module):
        raise PluginError("it answers no hook; mark srkit_register with @sr_core.hookimpl")
    with guarded("srkit_register", PluginError):
        manager.hook.srkit_register(registry=registrar)
    registry.add(registrar.components)
    return Plugin(entry_point.name, distribution, manager.hook)


def _entry_points() -> tuple[list[tuple[entrypoints.EntryPoint, Distribution]], list[Failure]]:
    """The entry points of our group, read file by file.

    `entrypoints.get_group_all` would lose the whole listing to one malformed file of any distribution, and would
    pass over a file that it may not open; so its parser is given one file at a time.
    """
    found: list[tuple[entrypoints.EntryPoint, Distribution]] = []
    failures: list[Failure] = []
    seen: set[str] = set()
    for source in _sources():
        distribution = source.distribution
        if distribution.name in seen:  # the first one on sys.path is the one that Python imports
            continue
        seen.add(distribution.name)
        try:
            for name, text in source.read():
                try:
                    found.append((entrypoints.EntryPoint.from_string(text, name), distribution))
                except entrypoints.BadEntryPoint:
                    reason = f"malformed entry point: {name} = {text}; the form is 'name = package.module'"
                    failures.append(Failure(distribution, reason))
        except (OSError, UnicodeError, configparser.Error) as error:
            failures.append(Failure(distribution, f"unreadable entry_points.txt: {describe(error)}"))
    return found, failures


@dataclass(frozen=True)
class _Source:
    """One entry_points.txt: a file, or a member of a zip archive on sys.path."""

    path: Path
    member: str | None
    distribution: Distribution

    def read(self) -> list[tuple[str, str]]:
        if self.member is None:
            text = self.path.read_text(encoding="utf-8")
        else:
            with zipfile.ZipFile(self.path) as archive:
                text = archive.read(self.member).decode("utf-8")
        parser = entrypoints.CaseSensitiveConfigParser(delimiters=("=",))
        parser.read_string(text, source=str(self.path))
        return list(parser[GROUP].items()) if GROUP in parser else []


def _sources() -> Iterator[_Source]:
    for folder in map(Path, sys.path):
        if folder.is_dir():
            for pattern in ("*.dist-info/entry_points.txt", "*.egg-info/entry_points.txt"):
                for path in sorted(folder.glob(pattern)):
                    yield _Source(path, None, _distribution(path.parent.name))
        elif folder.is_file() and zipfile.is_zipfile(folder):
            with zipfile.ZipFile(folder) as archive:
                names = archive.namelist()
            for name in names:
                if match := entrypoints.file_in_zip_pattern.match(name):
                    yield _Source(folder, name, _distribution(match.group("dist_version")))


def _distribution(folder_name: str) -> Distribution:
    """Name and version from `some_plugin-1.2.dist-info`, the name as pip prints it."""
    stem = re.sub(r"(-py[\d.]+)?\.(dist|egg)-info$", "", folder_name)
    name, _, version = stem.rpartition("-")
    return Distribution(_normalised(name or stem), version if name else "unknown version")


def _normalised(name: str) -> str:
    """A name as pip compares it: `Some_Plugin` and `some-plugin` are one."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _official_first(found: tuple[entrypoints.EntryPoint, Distribution]) -> tuple[int, str, str]:
    entry_point, distribution = found
    names = OFFICIAL_DISTRIBUTIONS
    rank = names.index(distribution.name) if distribution.name in names else len(names)
    return rank, distribution.name, entry_point.name
