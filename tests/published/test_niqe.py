"""NIQE of the picture on which implementations are compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from sr_core.imaging.files import read_picture
from sr_core.metrics.niqe import niqe


def test_baboon_has_the_figure_of_the_authors_matlab_code(data: Path) -> None:
    """5.72957338 by MATLAB R2021a, as BasicSR's niqe.py notes; BasicSR itself gives 5.7295763."""
    baboon = read_picture(data / "Set14/HR/baboon.png").image
    assert float(niqe(baboon)) == pytest.approx(5.72957338, abs=1e-5)
