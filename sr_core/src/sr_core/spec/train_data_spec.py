"""`train.data` and `train.scale` of a spec: from which pictures a network learns, and at which scales."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from sr_core.scales import HIGHEST_SCALE, LOWEST_SCALE, Scale, check_scale
from sr_core.spec.measuring_spec import SpecPart
from sr_core.spec.values import FilePath, Paths, Scales

OneScale = Annotated[float, Field(ge=LOWEST_SCALE, le=HIGHEST_SCALE)]
_SHARE_OF_A_STEP = 1e-6
"""By which the last of several steps may miss its mark: 0.1 is no fraction of two."""


class TrainDataSpec(SpecPart):
    """Pictures to learn from.

    Attributes:
        hr: folders, glob patterns, files or `samples:train`.
        lr: folder or glob pattern of their own LR, paired by name; `{scale}` stands for the scale. Without it the
            run's degradation makes LR.
        unpaired_lr: instead of `lr`, real LR pictures that have nothing to do with HR, for losses that need no pairs.
            At a scale below 1 they are what the network's pictures are to look like, and HR is what it is given.
        crop: side of the HR crops in pixels; LR crops have floor(crop / scale).
        lr_crop: instead of `crop`, side of the LR crops in pixels, the same at every scale.
        batch: crops in one step, over all devices.
        augment: flips and quarter turns.
        shrink: also learn from copies of each HR picture made smaller by these factors.
        small: what becomes of pictures smaller than the crop.
        leave_out: file names that are never used.
        memory: share of the device's memory that pictures may take; beyond it they stay on the host or on disk.
    """

    hr: Paths
    lr: FilePath | None = None
    unpaired_lr: Paths | None = None
    crop: Annotated[int, Field(gt=0)] | None = None
    lr_crop: Annotated[int, Field(gt=0)] | None = None
    batch: Annotated[int, Field(gt=0)] = 16
    augment: bool = True
    shrink: Annotated[tuple[Annotated[float, Field(gt=0, lt=1)], ...], Field(strict=False)] = ()
    small: Literal["refuse", "leave_out"] = "refuse"
    leave_out: Annotated[tuple[str, ...], Field(strict=False)] = ()
    memory: Annotated[float, Field(gt=0, le=1)] = 0.5

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        return {"hr": value} if isinstance(value, str | list) else value

    @model_validator(mode="after")
    def _one_crop(self) -> Self:
        if self.crop is not None and self.lr_crop is not None:
            raise ValueError("crop and lr_crop say the same of HR and of LR; give one of them")
        if self.lr is not None and self.unpaired_lr is not None:
            raise ValueError("lr is paired with hr and unpaired_lr is not; give one of them")
        return self


class ScaleStepsSpec(SpecPart):
    """Scales at equal distances: `{from: 1.1, to: 4, step: 0.1}`.

    Attributes:
        first: the smallest (`from` in the file).
        last: the largest (`to` in the file).
        step: from one to the next.
    """

    first: OneScale = Field(alias="from")
    last: OneScale = Field(alias="to")
    step: Annotated[float, Field(ge=0.001, allow_inf_nan=False)]

    @model_validator(mode="after")
    def _ends_where_it_says(self) -> Self:
        count = (self.last - self.first) / self.step
        if count < 0 or abs(count - round(count)) > _SHARE_OF_A_STEP:
            raise ValueError(f"no whole number of steps of {self.step:g} leads from {self.first:g} to {self.last:g}")
        return self

    @property
    def scales(self) -> tuple[Scale, ...]:
        """All of them."""
        count = round((self.last - self.first) / self.step)
        return tuple(check_scale(round(self.first + index * self.step, 6)) for index in range(count + 1))


def _written_as(value: object) -> str:
    return "steps" if isinstance(value, dict | ScaleStepsSpec) else "scales"


TrainScales = Annotated[
    Annotated[Scales, Tag("scales")] | Annotated[ScaleStepsSpec, Tag("steps")], Discriminator(_written_as)
]
