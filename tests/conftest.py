"""What several tests need: the data folder, small pictures, and installed strangers."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from sr_core.cli import main


def pytest_configure() -> None:
    """One thread, here and in programs that tests start: small pictures gain nothing from more, and bits differ."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of published test sets; tests that need it skip only where SRKIT_DATA is not set."""
    folder = os.environ.get("SRKIT_DATA")
    if not folder:
        pytest.skip("SRKIT_DATA is not set")
    return Path(folder)


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """A folder with two colour pictures and a gray one, smooth and detailed at once."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    for index, (name, size) in enumerate((("alpha", (48, 60)), ("beta", (51, 47)))):
        Image.fromarray(textured(size, 3, index)).save(folder / f"{name}.png")
    Image.fromarray(textured((45, 45), 1, 9)).save(folder / "gray.png")
    return folder


def textured(size: tuple[int, int], planes: int, seed: int) -> np.ndarray:
    """An 8-bit picture of waves and noise."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[: size[0], : size[1]]
    waves = [np.sin(rows * f + index) + np.cos(columns * f * 1.7) for index, f in enumerate((0.1, 0.3, 0.7)[:planes])]
    picture = np.stack(waves, axis=-1) * 50 + 128 + random.normal(0, 8, (*size, planes))
    levels = picture.clip(0, 255).astype(np.uint8)
    return levels[..., 0] if planes == 1 else levels


Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a stranger's distribution: its metadata and its module, on this test's path alone."""
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def installer(
        name: str, module: str | None = None, code: str = "", *, entry_points: str | bytes | None = None
    ) -> Path:
        if module is not None:
            (site / f"{module}.py").write_text(textwrap.dedent(code), encoding="utf-8")
        information = site / f"{name}-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
        if entry_points is None:
            entry_points = f"[srkit.plugins]\n{module} = {module}\n"
        content = entry_points.encode() if isinstance(entry_points, str) else entry_points
        (information / "entry_points.txt").write_bytes(content)
        return site

    yield installer
    for name, loaded in list(sys.modules.items()):
        if str(getattr(loaded, "__file__", None)).startswith(str(site)):
            del sys.modules[name]


@pytest.fixture
def no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports without plots, which take longer to draw than a small run; the tests of reports look at them."""
    for module in ("plots", "panels"):
        monkeypatch.setattr(f"sr_core.reporting.{module}.svg_text", lambda figure: "<svg></svg>")


@pytest.fixture
def srkit() -> Callable[..., Result]:
    """The program, called in this process: `srkit("run", "spec.yaml")`."""

    def call(*arguments: str | Path) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)

    return call


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Chromium without a window; the tests of what a page does need it and its driver."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("Chromium and its driver are not installed")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for switch in ("headless", "no-sandbox", "disable-gpu", "disable-quic", "disable-background-networking"):
        options.add_argument(f"--{switch}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield started
    started.quit()


@pytest.fixture
def browser(chromium: Any) -> Any:
    """The browser on an empty page, with its own screen and nothing said so far."""
    chromium.get("about:blank")
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    chromium.get_log("browser")
    return chromium
