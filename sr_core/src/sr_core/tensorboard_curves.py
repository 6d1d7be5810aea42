"""The curves of a training for TensorBoard, where its package is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path

from sr_core.errors import SrkitError

INSTALL = "pip install 'srkit-core[tensorboard]'"


def check_tensorboard() -> None:
    """Refuse to train for TensorBoard without its package.

    Raises:
        SrkitError: it is missing; the message names the command that installs it.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise SrkitError(f"train.tensorboard needs the package tensorboard, which is not installed: {INSTALL}")


class TensorBoardCurves:
    """Writes every point of the curves into event files."""

    def __init__(self, folder: Path) -> None:
        """Begin.

        Args:
            folder: of the event files; TensorBoard is started with it as `--logdir`.

        Raises:
            SrkitError: the package is missing.
        """
        check_tensorboard()
        from torch.utils.tensorboard import SummaryWriter

        self._folder = folder
        self._writer = SummaryWriter(str(folder))

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """One point of each curve; TensorBoard's names hold no spaces."""
        for name, value in values.items():
            self._writer.add_scalar(name.replace(" ", "_"), value, step)
        self._writer.flush()

    def cut_back(self, step: int) -> None:
        """Everything after `step` is forgotten, as TensorBoard does it: from here on it counts anew."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer.close()
        self._writer = SummaryWriter(str(self._folder), purge_step=step + 1)

    def close(self) -> None:
        """Finish the files."""
        self._writer.close()
