"""Files from the network, fetched once into the user's cache; nothing is fetched unless somebody asks for it."""

from __future__ import annotations

import errno
import hashlib
import http.client
import logging
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from sr_core.atomic import atomic_write, sync
from sr_core.errors import SrkitError

_log = logging.getLogger("srkit")

_SECONDS_OF_SILENCE = 30.0
_CHUNK = 1 << 20
_CHECKSUM = re.compile(r"[0-9a-fA-F]{8,64}")
_CHECKSUM_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.[^.]+$")
"""PyTorch's publishers end a file's name with the first digits of its SHA-256."""


def cache_folder() -> Path:
    """Where fetched files are kept: `$SRKIT_CACHE`, else `$XDG_CACHE_HOME/srkit`, else `~/.cache/srkit`.

    Raises:
        SrkitError: there is no home folder.
    """
    if own := os.environ.get("SRKIT_CACHE"):
        return Path(own).absolute()
    shared = os.environ.get("XDG_CACHE_HOME", "")
    if Path(shared).is_absolute():  # XDG's own rule: a relative one is ignored
        return Path(shared) / "srkit"
    try:
        return Path.home() / ".cache" / "srkit"
    except RuntimeError as error:
        raise SrkitError("the home folder cannot be found; set SRKIT_CACHE to a folder for fetched files") from error


def cached_path(url: str, checksum: str | None = None) -> Path:
    """Where the file of `url` is in the cache once it is fetched; whoever has it may put it there by hand.

    A name that ends with its own checksum stays as it is; others are told apart by their address.

    Args:
        url: `https://…`, or `http://…`.
        checksum: as for `fetch`.

    Raises:
        SrkitError: the address or the checksum is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise SrkitError(f"{url}: is no address of a file; expected https://…")
    if checksum is not None and not _CHECKSUM.fullmatch(checksum):
        raise SrkitError(f"checksum '{checksum}' is none; expected the SHA-256, or its first 8 hex digits or more")
    name = re.sub(r"[^\w.-]", "_", unquote(PurePosixPath(parts.path).name))[-150:].lstrip(".") or "file"
    named = _checksum_of_name(name)
    if named is None or not _begin_alike(named, checksum or named):
        name = f"{hashlib.sha256(f'{url} {checksum}'.encode()).hexdigest()[:8]}-{name}"
    return cache_folder() / "weights" / name


def fetch(url: str, checksum: str | None = None) -> Path:
    """The file of `url`: from the user's cache, where it is put on the first call.

    It appears in the cache whole, with the right checksum, or not at all. A terminal shows how far it is.

    Args:
        url: `https://…`, or `http://…`.
        checksum: the SHA-256 in hex, or 8 or more of its first digits; by default those that the file's name ends
            with, as in `vgg19-dcbb9e9d.pth`, and nothing is compared where it does not.

    Raises:
        SrkitError: there is no network or no such file, the checksum differs, or the disk is full; says what to do.
    """
    path = cached_path(url, checksum)
    if path.is_file():
        return path
    expected = checksum or _checksum_of_name(PurePosixPath(urlsplit(url).path).name)
    way_out = f"fetch it by other means and put it at {path}"
    try:
        with atomic_write(path) as partial:
            digest = _download(url, partial, path, way_out)
            if expected is not None and not _begin_alike(digest, expected.lower()):
                raise SrkitError(
                    f"{url}: its checksum (SHA-256) is {digest[: len(expected)]}, expected {expected}; it was changed "
                    "or damaged on the way, and is not kept"
                )
            sync(partial)
    except OSError as error:
        reason = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error
        folder = path.parent
        raise SrkitError(f"{url}: cannot be kept in {folder}: {reason}; SRKIT_CACHE names another folder") from error
    return path


def _download(url: str, partial: Path, path: Path, way_out: str) -> str:
    """Write what `url` gives; its SHA-256."""
    digest = hashlib.sha256()
    received = 0
    request = urllib.request.Request(url, headers={"User-Agent": "srkit"})  # noqa: S310 - http or https: cached_path
    try:
        response = urllib.request.urlopen(request, timeout=_SECONDS_OF_SILENCE)  # noqa: S310
    except urllib.error.HTTPError as error:
        raise SrkitError(f"{url}: the server answers {error.code} {error.reason}; check the address") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise SrkitError(f"{url}: cannot be reached ({reason}); is there a network? Else {way_out}") from error
    with response, partial.open("wb") as file:
        total = int(response.headers.get("Content-Length") or 0)
        _log.warning("fetching %s%s into %s", url, f" ({_megabytes(total)})" if total else "", path)
        for chunk in _chunks(response, url, way_out):
            file.write(chunk)
            digest.update(chunk)
            received += len(chunk)
            _show(received, total)
    if total and received != total:
        raise SrkitError(
            f"{url}: broke off after {_megabytes(received)} of {_megabytes(total)}; try again, or {way_out}"
        )
    return digest.hexdigest()


def _chunks(response: http.client.HTTPResponse, url: str, way_out: str) -> Iterator[bytes]:
    """What comes from the network, whose errors are kept apart from the disk's."""
    while True:
        try:
            chunk = response.read(_CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise SrkitError(f"{url}: broke off ({error}); try again, or {way_out}") from error
        if not chunk:
            return
        yield chunk


def _show(received: int, total: int) -> None:
    """How far it is, in one line that is written over; for people only."""
    if sys.stderr.isatty():
        share = f" of {_megabytes(total)} ({received / total:.0%})" if total else ""
        end = "\n" if received == total else ""
        sys.stderr.write(f"\r{_megabytes(received)}{share}{end}")
        sys.stderr.flush()


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"


def _checksum_of_name(name: str) -> str | None:
    found = _CHECKSUM_IN_NAME.search(name)
    return found[1] if found else None


def _begin_alike(one: str, other: str) -> bool:
    """Whether two beginnings of checksums may be of one file."""
    length = min(len(one), len(other))
    return one[:length].lower() == other[:length].lower()
