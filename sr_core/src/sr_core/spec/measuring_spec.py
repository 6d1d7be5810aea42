"""What figures are measured on and how: the parts of a spec that training and evaluation share."""

from __future__ import annotations

import os
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator, model_serializer, model_validator

from sr_core.protocol import PROTOCOLS, Clip, Crop, LowResolution, Luma, Protocol
from sr_core.spec.values import FilePath, Name, Paths


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
            value = {"name": _name_of(os.path.expandvars(value["hr"])), **value}
        return value


def _name_of(source: str) -> str:
    """`samples:test` → `samples-test`; `data/Set5/HR` → `Set5`: the last folder that is a name of its own."""
    if source.startswith("samples"):
        return source.replace(":", "-")
    parts = [part for part in source.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    names = [part for part in parts if part.upper() not in ("HR", "GT", "ORIGINAL") and not set(part) & set("*?[")]
    return names[-1] if names else "pictures"


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
