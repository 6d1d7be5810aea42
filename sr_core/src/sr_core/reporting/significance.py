"""Whether two candidates really differ: the paired Wilcoxon signed-rank test over the pictures of a set."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict
from scipy.stats import wilcoxon

from sr_core.record import Record
from sr_core.scales import Scale

FEWEST_PICTURES = 5


class Significance(BaseModel):
    """One pair of candidates on one data set.

    Attributes:
        dataset: name of the data set.
        scale: SR size over LR size.
        metric: name of the metric.
        better: the candidate with the better mean.
        worse: the other one.
        pictures: how many pairs of values were compared.
        p_value: two-sided; the probability of such differences where both are equally good.
    """

    model_config = ConfigDict(frozen=True)

    dataset: str
    scale: Scale
    metric: str
    better: str
    worse: str
    pictures: int
    p_value: float


def compare_pairs(records: Sequence[Record]) -> list[Significance]:
    """Every pair of candidates on every set with at least `FEWEST_PICTURES` pictures (Wilcoxon 1945).

    Five pictures cannot give a two-sided p below 0.0625: small sets prove little, and the figure says so.
    """
    groups: dict[tuple[str, Scale, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.dataset, record.scale, record.metric), []).append(record)
    return [
        _compare(one, other)
        for group in groups.values()
        for one, other in itertools.combinations(group, 2)
        if len(_shared(one, other)) >= FEWEST_PICTURES
    ]


def _compare(one: Record, other: Record) -> Significance:
    pictures = _shared(one, other)
    differences = [one.per_image[picture] - other.per_image[picture] for picture in pictures]
    equal = not any(differences)
    ahead = (one.mean >= other.mean) == one.higher_is_better
    better, worse = (one, other) if ahead else (other, one)
    return Significance(
        dataset=one.dataset,
        scale=one.scale,
        metric=one.metric,
        better=better.candidate,
        worse=worse.candidate,
        pictures=len(pictures),
        p_value=1.0 if equal else float(wilcoxon(differences).pvalue),
    )


def _shared(one: Record, other: Record) -> list[str]:
    return [picture for picture in one.per_image if picture in other.per_image]
