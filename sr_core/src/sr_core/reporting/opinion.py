"""Mean opinion scores: a blind rating page from a run, and the scores from what raters send back."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import jinja2
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from scipy import stats

from sr_core.errors import RunDirectoryError
from sr_core.reporting.run_results import RunResults
from sr_core.scales import Scale, per_axis

CONFIDENCE = 0.95
SCORES = {1: "bad", 2: "poor", 3: "fair", 4: "good", 5: "excellent"}
"""The absolute category rating scale of ITU-T P.910."""


class Rating(BaseModel):
    """One score that one rater gave one picture of one candidate."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    scale: Scale
    picture: str
    candidate: str
    score: int = Field(ge=1, le=5)


class Ratings(BaseModel):
    """What the page exports for one rater."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    rater: str
    ratings: tuple[Rating, ...]


class OpinionScore(BaseModel):
    """The mean opinion score of a candidate on a data set at a scale.

    Attributes:
        dataset: name of the data set.
        scale: SR size over LR size.
        candidate: name of the candidate.
        mean: of all its ratings, 1 … 5.
        margin: half the 95 % confidence interval of the mean (Student's t); None for a single rating.
        ratings: how many.
        raters: of how many people.
    """

    model_config = ConfigDict(frozen=True)

    dataset: str
    scale: Scale
    candidate: str
    mean: float
    margin: float | None
    ratings: int
    raters: int


def rating_page(run: RunResults, seed: int) -> str:
    """One HTML file that shows every candidate's details, and the truth's, in an order that `seed` shuffles.

    No name stands in the page in a readable form; it is put to each score when the ratings are exported. The details
    are lossless: previews of whole pictures would rate their compression too.

    Raises:
        RunDirectoryError: the run left no previews.
    """
    items = list(_items(run))
    if not items:
        raise RunDirectoryError(f"{run.path} holds no previews to rate")
    random.Random(seed).shuffle(items)  # noqa: S311 - an order, no secret
    key = base64.b64encode(json.dumps([about for about, _ in items]).encode()).decode("ascii")
    environment = jinja2.Environment(loader=jinja2.PackageLoader("sr_core.reporting"), autoescape=True)
    page = environment.get_template("mos.html")
    return page.render(run=run.name, key=key, pictures=[pictures for _, pictures in items], scores=SCORES)


def _items(run: RunResults) -> Iterator[tuple[dict[str, object], list[str]]]:
    """(what it is, its pictures as data addresses) of every panel but LR, which anyone would know."""
    for folder, index in run.previews:
        for panel in index.panels[1:]:
            data = [base64.b64encode((folder / name).read_bytes()).decode("ascii") for name in panel.details]
            about: dict[str, object] = {"dataset": index.dataset, "scale": index.scale}
            about |= {"picture": index.picture, "candidate": panel.label}
            yield about, [f"data:image/webp;base64,{picture}" for picture in data]


def collect(files: Sequence[Path]) -> list[OpinionScore]:
    """Mean opinion scores from the files that raters exported, the best first.

    Raises:
        RunDirectoryError: a file holds no ratings, or two files are the same rater's of the same run.
    """
    sheets = [_read(file) for file in files]
    raters = [(sheet.run, sheet.rater) for sheet in sheets]
    if twice := next((rater for run, rater in raters if raters.count((run, rater)) > 1), None):
        raise RunDirectoryError(f"two files hold the ratings of '{twice}'; each rater counts once")
    scores: dict[tuple[str, Scale, str], list[int]] = {}
    people: dict[tuple[str, Scale, str], set[str]] = {}
    for sheet in sheets:
        for rating in sheet.ratings:
            key = (rating.dataset, rating.scale, rating.candidate)
            scores.setdefault(key, []).append(rating.score)
            people.setdefault(key, set()).add(sheet.rater)
    found = [_score(*key, given, len(people[key])) for key, given in scores.items()]
    return sorted(found, key=lambda score: (score.dataset, per_axis(score.scale), -score.mean))


def _read(file: Path) -> Ratings:
    try:
        return Ratings.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise RunDirectoryError(f"{file} holds no ratings of srkit's page: {error}") from error


def _score(dataset: str, scale: Scale, candidate: str, given: Sequence[int], raters: int) -> OpinionScore:
    margin = None
    if len(given) > 1:
        quantile = stats.t.ppf((1 + CONFIDENCE) / 2, len(given) - 1)
        margin = float(quantile * stats.sem(given))
    mean = sum(given) / len(given)
    return OpinionScore(
        dataset=dataset, scale=scale, candidate=candidate, mean=mean, margin=margin, ratings=len(given), raters=raters
    )
