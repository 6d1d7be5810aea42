"""Losses and gradients that are not finite: skip, go back, or stop with a clear word."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from sr_core.checkpoint import save_tensors
from sr_core.data.patches import PatchBatch
from sr_core.errors import SrkitError
from sr_core.scales import describe_scale
from sr_core.training.learner import Failure, Learner
from sr_core.training.settings import TrainingSettings

MOST_BATCHES = 10
"""Batches that are kept on disk; more would tell nothing new."""

_log = logging.getLogger("srkit")


class Recovery:
    """Watches over a training's steps."""

    def __init__(self, settings: TrainingSettings, folder: Path | None) -> None:
        """Begin to watch.

        Args:
            settings: what is allowed.
            folder: where batches that failed are kept; None keeps none.
        """
        self._settings, self._folder = settings, folder
        self._in_a_row, self._kept = 0, 0
        self._good: dict[str, Any] | None = None

    def remember(self, learner: Learner) -> None:
        """The state to go back to, unless the last step failed."""
        if self._in_a_row == 0:
            self._good = copied_to_host(learner.state())

    def saw(self, learner: Learner, failure: Failure | None) -> bool:
        """Note a step; True where the state went back to the last good one, with half the learning rate.

        Raises:
            SrkitError: too many steps in a row failed, too often.
        """
        if failure is None:
            self._in_a_row = 0
            return False
        self._in_a_row += 1
        kept = "" if failure.batch is None else self._keep(failure.batch, learner.run_step)
        _log.warning("step %d: %s is not finite; the step is skipped%s", learner.run_step, failure.what, kept)
        if self._in_a_row < self._settings.in_a_row:
            return False
        if learner.rollbacks == self._settings.rollbacks or self._good is None:
            raise SrkitError(
                f"step {learner.run_step}: {failure.what} was not finite {self._in_a_row} times in a row, "
                f"and going back {learner.rollbacks} times did not help; lower the learning rate, or clip gradients "
                f"(train.clip){self._look()}"
            )
        learner.go_back(self._good)
        self._good = copied_to_host(learner.state())
        self._in_a_row = 0
        rate = learner.update.schedule.rate
        _log.warning("back to step %d, with the learning rate halved (%g)", learner.run_step, rate)
        return True

    def _keep(self, batch: PatchBatch, step: int) -> str:
        if self._folder is None or self._kept >= MOST_BATCHES:
            return ""
        path = self._folder / f"step-{step:08d}-crop-{batch.indices.start}.safetensors"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            save_tensors(path, {"lr": batch.lr, "hr": batch.hr}, {"scale": describe_scale(batch.scale)})
        except OSError as error:
            return f"; its batch could not be kept: {error}"
        self._kept += 1
        return f"; its batch is {path}"

    def _look(self) -> str:
        return f"; the batches are in {self._folder}" if self._kept else ""


def copied_to_host(state: Any) -> Any:  # noqa: ANN401 - a nested state
    """A deep copy of a state on the host, which later steps do not touch."""
    if isinstance(state, Tensor):
        return state.detach().to("cpu", copy=True)
    if isinstance(state, Mapping):
        return {key: copied_to_host(value) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(copied_to_host(value) for value in state)
    return state
