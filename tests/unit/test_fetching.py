"""Files from the network: fetched once, checked, kept whole, and plain words where that fails."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from sr_core import SrkitError, cached_path, fetch, fetching, read_tensors

CONTENT = bytes(range(256)) * 9000  # more than two chunks
DIGEST = hashlib.sha256(CONTENT).hexdigest()
NAMED = f"network-{DIGEST[:8]}.pth"


class Server:
    """A server of files on this machine, and what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        told = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                told.asked.append(self.path)
                if "missing" in self.path:
                    self.send_error(404)
                    return
                self.send_response(200)
                if "unmeasured" not in self.path:
                    self.send_header("Content-Length", str(len(CONTENT)))
                self.end_headers()
                self.wfile.write(CONTENT[:5000] if "broken" in self.path else CONTENT)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    made = Server()
    thread = threading.Thread(target=lambda: made.server.serve_forever(poll_interval=0.01))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SRKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "weights"


def test_a_file_is_fetched_once_and_kept_under_its_name(server: Server, folder: Path) -> None:
    path = fetch(f"{server.url}/models/{NAMED}")
    assert path == folder / NAMED == cached_path(f"{server.url}/models/{NAMED}")
    assert path.read_bytes() == CONTENT
    assert fetch(f"{server.url}/models/{NAMED}") == path
    assert server.asked == [f"/models/{NAMED}"]
    assert [entry.name for entry in folder.iterdir()] == [NAMED]


def test_a_file_without_a_length_arrives_too(server: Server) -> None:
    assert fetch(f"{server.url}/unmeasured.pth").read_bytes() == CONTENT


def test_files_of_one_name_at_two_addresses_are_two(server: Server) -> None:
    first, second = (cached_path(f"{server.url}/{place}/weights.pth") for place in ("a", "b"))
    assert first != second
    assert first.name.endswith("-weights.pth")
    # A checksum that is told later is compared, though the file is there already.
    fetch(f"{server.url}/a/weights.pth")
    with pytest.raises(SrkitError, match="checksum"):
        fetch(f"{server.url}/a/weights.pth", checksum="0" * 64)


def test_it_says_what_it_fetches_and_how_much(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "srkit"):
        fetch(f"{server.url}/{NAMED}")
    assert f"fetching {server.url}/{NAMED} (2.3 MB) into " in caplog.text


def test_a_terminal_shows_how_far_it_is(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fetching.sys.stderr, "isatty", lambda: True)
    fetch(f"{server.url}/{NAMED}")
    shown = capsys.readouterr().err
    assert "\r1.0 MB of 2.3 MB (46%)" in shown
    assert shown.endswith("\r2.3 MB of 2.3 MB (100%)\n")


def test_the_checksum_in_a_name_is_compared_and_what_differs_is_not_kept(server: Server, folder: Path) -> None:
    with pytest.raises(SrkitError, match=rf"is {DIGEST[:8]}, expected deadbeef; .* is not kept"):
        fetch(f"{server.url}/network-deadbeef.pth")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("checksum", [DIGEST, DIGEST[:8], DIGEST.upper()])
def test_a_given_checksum_is_the_whole_or_its_beginning(server: Server, checksum: str) -> None:
    assert fetch(f"{server.url}/weights.bin", checksum).read_bytes() == CONTENT


def test_a_given_checksum_goes_before_the_names(server: Server, folder: Path) -> None:
    path = fetch(f"{server.url}/network-deadbeef.pth", DIGEST)
    assert path.read_bytes() == CONTENT
    assert path != folder / "network-deadbeef.pth"  # which is the other file's place


@pytest.mark.parametrize("checksum", ["", "abc", "xyzxyzxyz", "0" * 65])
def test_what_is_no_checksum_is_refused(checksum: str) -> None:
    with pytest.raises(SrkitError, match="expected the SHA-256, or its first 8 hex digits or more"):
        fetch("https://example.org/weights.pth", checksum)


@pytest.mark.parametrize("url", ["weights.pth", "file:///etc/hosts", "https:///weights.pth", "ftp://a/b"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(SrkitError, match="is no address of a file; expected https://…"):
        fetch(url)


def test_a_file_that_is_not_there_says_what_the_server_said(server: Server, folder: Path) -> None:
    with pytest.raises(SrkitError, match=r"/missing.pth: the server answers 404 Not Found; check the address"):
        fetch(f"{server.url}/missing.pth")
    assert list(folder.iterdir()) == []


def test_a_transfer_that_breaks_off_leaves_nothing(server: Server, folder: Path) -> None:
    with pytest.raises(SrkitError, match=r"broke off.*try again, or fetch it by other means and put it at .*broken"):
        fetch(f"{server.url}/broken.pth")
    assert list(folder.iterdir()) == []


def test_without_a_network_it_says_where_to_put_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/{NAMED}"
    with pytest.raises(SrkitError, match=r"cannot be reached \(.*\); is there a network\? .* put it at .*" + NAMED):
        fetch(url)


def test_a_full_disk_is_named(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(fetching, "sync", full)
    with pytest.raises(SrkitError, match="the disk is full; SRKIT_CACHE names another folder"):
        fetch(f"{server.url}/{NAMED}")


def test_a_cache_that_is_a_file_is_named(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SRKIT_CACHE", str(tmp_path / "file"))
    with pytest.raises(SrkitError, match="cannot be kept in .*file"):
        fetch(f"{server.url}/{NAMED}")


@pytest.mark.skipif(os.name == "nt", reason="home folders have another variable there")
def test_the_cache_lies_where_the_system_keeps_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SRKIT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert fetching.cache_folder() == tmp_path / "xdg" / "srkit"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for nothing in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", nothing)
        assert fetching.cache_folder() == tmp_path / "home" / ".cache" / "srkit"


def test_a_name_cannot_leave_the_cache(folder: Path) -> None:
    for url in ("https://example.org/..%2F..%2Fetc", "https://example.org/", "https://example.org/.hidden"):
        path = cached_path(url)
        assert path.parent == folder
        assert not path.name.startswith(".")


@pytest.mark.parametrize("kind", ["pth", "old pth", "safetensors"])
def test_tensors_are_read_from_either_kind_of_file(tmp_path: Path, kind: str) -> None:
    tensors = {"features.0.weight": torch.rand(2, 3), "features.0.bias": torch.rand(2)}
    path = tmp_path / f"weights.{kind.split()[-1]}"
    if kind == "safetensors":
        from safetensors.torch import save_file

        save_file(tensors, path)
    else:
        torch.save(tensors, path, _use_new_zipfile_serialization=kind == "pth")
    read = read_tensors(str(path))
    assert read.keys() == tensors.keys()
    assert all(torch.equal(read[name], tensors[name]) for name in tensors)


def test_a_file_of_no_tensors_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(SrkitError, match="not a safetensors file .* nor one of PyTorch or MatConvNet"):
        read_tensors(tmp_path / "notes.txt")
    with pytest.raises(SrkitError, match="no such file"):
        read_tensors(tmp_path / "nothing.pth")
