"""Whether adversarial training goes well, told from its curves in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

POINTS = 5
"""Points of the curves in a row that something must be seen at; as many calm ones before it may be told again."""
STEPS = 20
"""From the first of them to the last there must be so many steps, however often curves have points."""
LONG = 4
"""A discriminator may see no difference for so many times as long: it has to learn first."""
HAS_WON = 0.99
"""Separation from which a discriminator has won, if it is also sure of either kind …"""
SURE = 0.95
"""… by this probability."""
CHANCE = 0.05
"""A separation so close to a half is chance."""
DRIFT = 2.0
"""Levels, of 255, by which SR may differ from LR on average."""
HEARD = 0.01
"""Share of the gradient on SR from which a loss is heard."""


class Health:
    """Watches the curves of a training with losses that learn, and says what is wrong once, until it has been better.

    It goes by names of curves alone: `own/<loss>/…`, `gradient on SR/<loss>` and `drift/<plane>`. Scores of critics
    (`critic(real)`, `critic(fake)`) may lie as far apart as they like; only of probabilities too sure a discriminator
    is told. Fed again with the points of a run that is resumed, it knows what it has said.
    """

    def __init__(self) -> None:
        self._alarms: dict[str, _Alarm] = {}
        self._first_drift: tuple[int, str] | None = None

    def saw(self, step: int, values: Mapping[str, float]) -> list[str]:
        """Note a point of the curves.

        Args:
            step: since the run began; rising.
            values: by the curve's name.

        Returns:
            What is wrong, what it means and what to try; usually nothing.
        """
        if "loss" not in values:  # a validation, or steps that all failed
            return []
        players = dict.fromkeys(name.split("/")[1] for name in values if name.startswith("own/"))
        if not players:  # a phase without; what comes after it begins anew
            self._alarms, self._first_drift = {}, None
        found = list(self._drifts(step, values))
        for player in players:
            found += self._verdicts(step, player, values)
            found += self._unheard(step, player, values)
        return found

    def _verdicts(self, step: int, player: str, values: Mapping[str, float]) -> Iterator[str]:
        separation, real, fake = (values.get(f"own/{player}/{name}") for name in ("separation", "D(real)", "D(fake)"))
        if separation is None:
            return
        if real is not None and fake is not None:
            wins = separation >= HAS_WON and real > SURE and fake < 1 - SURE
            if self._alarm(f"won {player}").rings(step, float(wins), is_calm=not wins):
                yield (
                    f"the discriminator of loss '{player}' has won: it tells {separation:.0%} of real and made "
                    f"pictures apart and is sure of both (D(real) {real:.2f}, D(fake) {fake:.2f}). The network hardly "
                    "learns from so sure a judge. Try a lower rate for it (optimizer of the loss) or fewer own_steps, "
                    "regularise: r1, augment: ada where training pictures are few, or more steps on pixels before."
                )
        guesses = abs(separation - 0.5) <= CHANCE
        if self._alarm(f"blind {player}", LONG).rings(step, float(guesses), is_calm=not guesses):
            yield (
                f"the discriminator of loss '{player}' sees no difference: it tells {separation:.0%} of real and made "
                "pictures apart, as by chance. SR looks real to it, or it does not learn; the pictures show which. "
                "If it does not learn, try a higher rate for it (optimizer of the loss), more own_steps, a wider "
                "discriminator, or less that holds it back (r1_weight, augment)."
            )

    def _unheard(self, step: int, player: str, values: Mapping[str, float]) -> Iterator[str]:
        heard = {name: value for name, value in values.items() if name.startswith("gradient on SR/")}
        mine, together = heard.get(f"gradient on SR/{player}", 0.0), sum(heard.values())
        if not mine > 0:  # it waits (warmup), or could not be measured
            return
        share = mine / together
        if self._alarm(f"unheard {player}").rings(step, float(share < HEARD), is_calm=share >= 2 * HEARD):
            yield (
                f"the network ignores loss '{player}': only {share:.2%} of the gradient on SR comes from it, so the "
                "other losses decide alone. Try a larger weight for it, or smaller ones for the others; if its "
                "discriminator has won, weaken that first."
            )

    def _drifts(self, step: int, values: Mapping[str, float]) -> Iterator[str]:
        planes = (name for name in values if name.startswith("drift/") and name != "drift/low frequency")
        drift = {name.removeprefix("drift/"): values[name] for name in sorted(planes, key=_place)}
        if not drift:
            return
        size, words = max(map(abs, drift.values())), _drift_words(drift)
        first_step, first = self._first_drift = self._first_drift or (step, words)
        if self._alarm("drift").rings(step, size if size > DRIFT else 0.0, is_calm=size <= DRIFT / 2):
            yield (
                f"{'brightness drifts' if 'y' in drift else 'colours drift'}: SR, shrunk to the size of LR, is off by "
                f"{words} levels (of 255) on average; at step {first_step:,} it was {first}. The network should add "
                "detail and leave the rest as it is. Try the loss consistency, more weight for a pixel loss, or less "
                "for losses that learn. If it was so from the start, LR itself may be brighter or darker than HR."
            )

    def _alarm(self, event: str, times: int = 1) -> _Alarm:
        return self._alarms.setdefault(event, _Alarm(times * POINTS, times * STEPS))


class _Alarm:
    """Rings once where something is seen at so many points in a row, and again after calm, or at twice the size."""

    def __init__(self, points: int, steps: int) -> None:
        self._points, self._steps = points, steps
        self._count, self._calm = 0, 0
        self._first_step, self._first_size, self._told = 0, 0.0, 0.0

    def rings(self, step: int, size: float, *, is_calm: bool) -> bool:
        """Note a point; `size` is that of what is seen, or 0."""
        self._calm = self._calm + 1 if is_calm else 0
        if self._calm >= POINTS:
            self._told = 0.0
        if not size > 0 or size < 2 * self._told:
            self._count = 0
            return False
        if self._count == 0 or size < self._first_size / 2:  # what gets better by itself is not told
            self._count, self._first_step, self._first_size = 0, step, size
        self._count += 1
        if self._count < self._points or step - self._first_step < self._steps:
            return False
        self._count, self._told = 0, size
        return True


def _place(name: str) -> tuple[int, str]:
    """Red, green and blue in this order."""
    return ("drift/red", "drift/green", "drift/blue", name).index(name), name


def _drift_words(drift: Mapping[str, float]) -> str:
    """As `red +0.1, green -2.4, blue +0.3`."""
    return ", ".join(f"{value:+.1f}" if plane == "y" else f"{plane} {value:+.1f}" for plane, value in drift.items())
