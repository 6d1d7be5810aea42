"""Every test of networks begins with the same random numbers, whatever ran before it."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def _same_chances() -> None:
    torch.manual_seed(0)
