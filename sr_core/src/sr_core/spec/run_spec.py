"""The spec of a run, once read: every key that a spec file may have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, model_serializer, model_validator

from sr_core.parameters import ComponentReference
from sr_core.registry import Registry
from sr_core.scales import Scale
from sr_core.spec.measuring_spec import DatasetSpec, ProtocolSpec, SpecPart
from sr_core.spec.phases_spec import Phases
from sr_core.spec.train_data_spec import ScaleStepsSpec
from sr_core.spec.values import (
    TRAINED,
    DegradationReference,
    Device,
    FilePath,
    MetricReference,
    Name,
    Paths,
    Precision,
    Scales,
    known,
    one_or_many,
    registry_of,
)


class CandidateSpec(SpecPart):
    """One method to compare: exactly one of `upsampler`, `model`, `pictures`, or `weights` alone.

    A bare name, or a mapping with `name` and parameters, is an upsampler. With `name` beside one of the four,
    `name` is how tables call it; the network of a phase is called as the phase.

    Attributes:
        name: how tables call it.
        upsampler: an upsampler with its parameters.
        model: a model with its parameters; needs `weights`.
        weights: a weights file; alone, the file says which network it is.
        pictures: a folder of finished pictures, paired with HR by name; `{dataset}` and `{scale}` are replaced.
        phase: of `{model: trained}`: the network as this phase of training left it; by default the last.
        between: of `{model: trained}`: two phases, between whose networks `alpha` lies.
        alpha: 0 is the first of the two, 1 the second; ESRGAN's pictures are made with 0.8.
    """

    name: Name
    upsampler: Annotated[ComponentReference, known("upsampler")] | None = None
    model: Annotated[ComponentReference, known("model")] | None = None
    weights: FilePath | None = None
    pictures: FilePath | None = None
    phase: str | None = None
    between: Annotated[tuple[str, str], Field(strict=False)] | None = None
    alpha: Annotated[float, Field(ge=0, le=1)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_shorthand(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, str):
            value = {"name": value}
        if not isinstance(value, dict):
            raise ValueError("expected a candidate: a name, or a mapping")
        sort_given = set(value) & {"upsampler", "model", "pictures"}
        if not sort_given and isinstance(value.get("weights"), str):
            return {"name": Path(value["weights"]).stem, **value}
        if not sort_given and isinstance(value.get("name"), str):
            _refuse_ambiguous(value["name"], registry_of(info))
            return {"name": value["name"].rpartition(":")[2], "upsampler": value}
        if len(sort_given) > 1:
            raise ValueError(f"give one of {', '.join(sorted(sort_given))}, not several")
        if sort_given and "name" not in value and "pictures" not in value:
            value = {"name": _of_a_phase(value) or _bare_name(value[sort_given.pop()]), **value}
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.model is not None and self.model.name == TRAINED:
            if self.weights is not None or self.model.parameters:
                raise ValueError("'trained' is the network of 'train'; it takes neither weights nor parameters")
        elif self.model is not None and self.weights is None:
            raise ValueError(f"model '{self.model.name}' needs 'weights', a weights file")
        is_trained = self.model is not None and self.model.name == TRAINED
        if not is_trained and any(given is not None for given in (self.phase, self.between, self.alpha)):
            raise ValueError("'phase', 'between' and 'alpha' choose among the phases of {model: trained}")
        if (self.between is None) != (self.alpha is None) or (self.between is not None and self.phase is not None):
            raise ValueError("give 'phase', or 'between' (two phases) with 'alpha', or none of them")
        if self.weights is not None and (self.upsampler is not None or self.pictures is not None):
            raise ValueError("'weights' belongs to a 'model'")
        return self

    @model_serializer(mode="wrap")
    def _without_nothing(self, handler: Any) -> dict[str, Any]:  # noqa: ANN401 - pydantic's own callable
        return {key: value for key, value in handler(self).items() if value is not None}


def _of_a_phase(candidate: dict[str, Any]) -> str | None:
    """How tables call the network of a phase, or one between two; None for others."""
    phase, between = candidate.get("phase"), candidate.get("between")
    if isinstance(phase, str):
        return phase
    if isinstance(between, list | tuple) and len(between) == 2:
        return f"{between[0]} to {between[1]}, {candidate.get('alpha')}"
    return None


def _bare_name(reference: object) -> object:
    name = reference.get("name") if isinstance(reference, dict) else reference
    return name.rpartition(":")[2] if isinstance(name, str) else "unnamed"


def _refuse_ambiguous(name: str, registry: Registry | None) -> None:
    if registry is None or not registry.has("model", name):
        return
    if registry.has("upsampler", name):
        raise ValueError(f"'{name}' is an upsampler and a model; write {{upsampler: {name}}} or {{model: {name}, …}}")
    raise ValueError(f"'{name}' is a model; write {{model: {name}, weights: FILE}}")


class EvaluateSpec(SpecPart):
    """Measure candidates on data sets.

    Attributes:
        on: the data sets.
        candidates: the methods to compare.
        metrics: what is measured.
        protocol: how; a name or parts.
        save_sr: also keep every SR picture, not only the comparison sheets.
    """

    on: Annotated[tuple[DatasetSpec, ...], Field(strict=False, min_length=1), BeforeValidator(one_or_many)]
    candidates: Annotated[tuple[CandidateSpec, ...], Field(strict=False, min_length=1)]
    metrics: Annotated[tuple[MetricReference, ...], Field(strict=False, min_length=1)] = (
        ComponentReference(name="psnr"),
        ComponentReference(name="ssim"),
    )
    protocol: ProtocolSpec = ProtocolSpec()
    save_sr: bool = False


class UpscaleSpec(SpecPart):
    """Enlarge pictures that have no truth.

    Attributes:
        inputs: files, folders or glob patterns.
        method: the method, written like a candidate (`with` in the file).
        tile: LR pixels of the side of tiles that pictures are cut in for networks; `auto` cuts only what does not fit
            into memory.
    """

    inputs: Paths
    method: CandidateSpec = Field(alias="with")
    tile: Literal["auto"] | Annotated[int, Field(ge=16)] = "auto"


class RunSpec(SpecPart):
    """One run, from top to bottom.

    Attributes:
        name: names the run directory.
        scale: SR size over LR size, one or several; `train.scale` may name others to learn from.
        seed: of every random number.
        device: `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.
        precision: of networks in training and upscaling; figures are always computed in float32 or better.
        deterministic: ask the device for reproducible algorithms.
        degradation: how LR is made where a data set brings none.
        train: train a network, in one phase or in a list of them.
        evaluate: measure candidates.
        upscale: enlarge pictures.
    """

    name: Name
    scale: Scales
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    device: Device = "auto"
    precision: Precision = "auto"
    deterministic: bool = False
    degradation: DegradationReference = ComponentReference(name="bicubic")
    train: Phases = ()
    evaluate: EvaluateSpec | None = None
    upscale: UpscaleSpec | None = None

    @property
    def trained_scales(self) -> tuple[Scale, ...]:
        """What the network is trained at: the run's scales, where `train` does not say."""
        wanted = self.train[0].scale if self.train else None
        if wanted is None:
            return self.scale
        return wanted.scales if isinstance(wanted, ScaleStepsSpec) else wanted

    @property
    def all_scales(self) -> tuple[Scale, ...]:
        """What it is trained and measured at."""
        return tuple(dict.fromkeys([*self.scale, *self.trained_scales]))

    @model_serializer(mode="wrap")
    def _without_nothing(self, handler: Any) -> dict[str, Any]:  # noqa: ANN401 - pydantic's own callable
        return {key: value for key, value in handler(self).items() if value is not None}

    @model_validator(mode="after")
    def _has_work(self) -> Self:
        if not self.train and self.evaluate is None and self.upscale is None:
            raise ValueError("nothing to do: add 'train', 'evaluate' or 'upscale'")
        if self.upscale is not None and len(self.scale) != 1:
            raise ValueError("'upscale' needs one scale")
        return self
