"""`srkit doctor` says what there is, what is wrong, and the command that mends it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from click.testing import Result

from tests.conftest import Install

Srkit = Callable[..., Result]


def test_on_a_good_machine_it_ends_well(srkit: Srkit) -> None:
    done = srkit("doctor")
    assert done.exit_code == 0, done.output
    for word in (
        "Python 3.",
        f"PyTorch {torch.__version__}",
        "device cpu",
        "PNG",
        "plugin srkit-interp 0.1.0: 6 components",
    ):
        assert word in done.output


def test_a_broken_plugin_and_a_missing_class_are_wrong_and_get_a_mend(install: Install, srkit: Srkit) -> None:
    install("import-error", "import_error", "import not_there_at_all")
    code = """
        from sr_core import hookimpl

        @hookimpl
        def srkit_register(registry):
            registry.upsampler("ghost", "nowhere_to_be_found.mine:Mine", summary="promised")
    """
    install("missing-target", "missing_target", code)
    done = srkit("doctor")
    assert done.exit_code == 1
    assert "✗ plugin import-error 1.0: importing import_error: ModuleNotFoundError" in done.output
    assert "SRKIT_DISABLE_PLUGINS=import-error" in done.output
    assert "cannot import nowhere_to_be_found.mine:Mine" in done.output


def test_a_torch_that_cannot_be_imported_is_wrong_and_gets_a_mend(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('libcuda is missing')", encoding="utf-8")
    program = "import sys; sys.path.insert(0, sys.argv.pop(1)); from sr_core.cli import main; main()"
    command = [sys.executable, "-c", program, str(tmp_path), "doctor"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "✗ PyTorch cannot be imported: ImportError: libcuda is missing" in done.stdout
    assert "pip install --force-reinstall torch" in done.stdout
    assert "Traceback" not in done.stderr
