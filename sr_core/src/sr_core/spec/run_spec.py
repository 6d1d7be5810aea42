"""The spec of a run, once read: every key that a spec file may have."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from sr_core.parameters import ComponentReference
from sr_core.protocol import PROTOCOLS, Clip, Crop, LowResolution, Luma, Protocol
from sr_core.registry import Registry
from sr_core.spec.values import (
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


class SpecPart(BaseModel):
    """What all parts share: no unknown key, nothing bent into shape, nothing changed once read."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)


class DatasetSpec(SpecPart):
    """Pictures to measure on: `samples:test`, a folder, or `{name: Set5, hr: …, lr: 'Set5/LR_x{scale}'}`.

    Attributes:
        name: how tables call it; by default the folder's name.
        hr: folder, glob pattern, file or `samples:…`, or a list of them.
        lr: folder or glob pattern of the data set's own LR; `{scale}` stands for the scale.
    """

    name: Name
    hr: Paths
    lr: FilePath | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        if isinstance(value, str):
            value = {"hr": value}
        if isinstance(value, dict) and "name" not in value and isinstance(value.get("hr"), str):
            value = {"name": _name_of(value["hr"]), **value}
        return value


def _name_of(source: str) -> str:
    """`samples:test` → `samples-test`; `data/Set5/HR` → `Set5`: the last folder that is a name of its own."""
    if source.startswith("samples"):
        return source.replace(":", "-")
    parts = [part for part in source.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    names = [part for part in parts if part.upper() not in ("HR", "GT", "ORIGINAL") and not set(part) & set("*?[")]
    return names[-1] if names else "pictures"


class CandidateSpec(SpecPart):
    """One method to compare: exactly one of `upsampler`, `model`, `pictures`.

    A bare name, or a mapping with `name` and parameters, is an upsampler. With `name` beside one of the three,
    `name` is how tables call it.

    Attributes:
        name: how tables call it.
        upsampler: an upsampler with its parameters.
        model: a model with its parameters; needs `weights`.
        weights: a weights file.
        pictures: a folder of finished pictures, paired with HR by name; `{dataset}` and `{scale}` are replaced.
    """

    name: Name
    upsampler: Annotated[ComponentReference, known("upsampler")] | None = None
    model: Annotated[ComponentReference, known("model")] | None = None
    weights: FilePath | None = None
    pictures: FilePath | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_shorthand(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, str):
            value = {"name": value}
        if not isinstance(value, dict):
            raise ValueError("expected a candidate: a name, or a mapping")
        sort_given = set(value) & {"upsampler", "model", "pictures"}
        if not sort_given and isinstance(value.get("name"), str):
            _refuse_ambiguous(value["name"], registry_of(info))
            return {"name": value["name"].rpartition(":")[2], "upsampler": value}
        if len(sort_given) > 1:
            raise ValueError(f"give one of {', '.join(sorted(sort_given))}, not several")
        if sort_given and "name" not in value and "pictures" not in value:
            value = {"name": _bare_name(value[sort_given.pop()]), **value}
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.model is not None and self.weights is None:
            raise ValueError(f"model '{self.model.name}' needs 'weights', a weights file")
        if self.model is None and self.weights is not None:
            raise ValueError("'weights' belongs to a 'model'")
        return self

    @model_serializer(mode="wrap")
    def _without_nothing(self, handler: Any) -> dict[str, Any]:  # noqa: ANN401 - pydantic's own callable
        return {key: value for key, value in handler(self).items() if value is not None}


def _bare_name(reference: object) -> object:
    name = reference.get("name") if isinstance(reference, dict) else reference
    return name.rpartition(":")[2] if isinstance(name, str) else "unnamed"


def _refuse_ambiguous(name: str, registry: Registry | None) -> None:
    if registry is None or not registry.has("model", name):
        return
    if registry.has("upsampler", name):
        raise ValueError(f"'{name}' is an upsampler and a model; write {{upsampler: {name}}} or {{model: {name}, …}}")
    raise ValueError(f"'{name}' is a model; write {{model: {name}, weights: FILE}}")


class ProtocolSpec(SpecPart):
    """How figures are measured: a protocol's name, or parts that replace those of `base` (docs/protocols.md).

    Attributes:
        base: the protocol whose parts hold where nothing is said.
        luma: `y8`, `y` or `rgb`.
        crop: a number of pixels, `scale` or `scale+6`.
        clip: `studio` or `full`.
        lr: `dataset` or `unrounded`.
    """

    base: str = "modern"
    luma: Luma | None = None
    crop: Crop | None = None
    clip: Clip | None = None
    lr: LowResolution | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        return {"base": value} if isinstance(value, str) else value

    @field_validator("base")
    @classmethod
    def _has_a_name(cls, base: str) -> str:
        if base not in PROTOCOLS:
            raise ValueError(f"unknown protocol '{base}'; known: {', '.join(PROTOCOLS)}, or their parts")
        return base

    @property
    def protocol(self) -> Protocol:
        """The protocol meant."""
        return PROTOCOLS[self.base].with_parts(luma=self.luma, crop=self.crop, clip=self.clip, lr=self.lr)

    @model_serializer
    def _as_written(self) -> str | dict[str, Any]:
        return self.protocol.name if self.protocol.name in PROTOCOLS else self.protocol.model_dump(exclude={"name"})


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
    """

    inputs: Paths
    method: CandidateSpec = Field(alias="with")


def _not_yet(_: object) -> object:
    raise ValueError("training is not part of this version; remove 'train', or give candidates that need none")


class RunSpec(SpecPart):
    """One run, from top to bottom.

    Attributes:
        name: names the run directory.
        scale: SR size over LR size, one or several.
        seed: of every random number.
        device: `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.
        precision: of networks when upscaling; figures are always computed in float32 or better.
        deterministic: ask the device for reproducible algorithms.
        degradation: how LR is made where a data set brings none.
        train: refused in this version.
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
    train: Annotated[None, BeforeValidator(_not_yet)] = None
    evaluate: EvaluateSpec | None = None
    upscale: UpscaleSpec | None = None

    @model_validator(mode="after")
    def _has_work(self) -> Self:
        if self.evaluate is None and self.upscale is None:
            raise ValueError("nothing to do: add 'evaluate' or 'upscale'")
        if self.upscale is not None and len(self.scale) != 1:
            raise ValueError("'upscale' needs one scale")
        return self
