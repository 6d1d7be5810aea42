"""The adversarial loss: a discriminator that learns beside the network, and what the network hears from it."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import Batch, Discriminator, LearnedLoss, SrkitError, full_precision
from sr_plugins_gan.adaptive_augmentation import AdaptiveAugmentation
from sr_plugins_gan.gradient_penalties import interpolation_penalty, squared_slope
from sr_plugins_gan.objectives import OBJECTIVES, ObjectiveName, separation

Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
PositiveWeight = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Steps = Annotated[int, Field(ge=1)]


class AdversarialLoss(LearnedLoss):
    """A discriminator learns to tell SR from HR, and the network to have its SR taken for HR (Goodfellow et al., 2014).

    Real and made pictures go through the discriminator in two passes, as in SRGAN's and ESRGAN's releases: batch
    normalisation then has statistics of either kind. It runs in the precision of the training; verdicts are compared
    in float32, and penalties on its slope are computed in float32 throughout.

    It logs, by the means of a batch: `separation`, the share of (real, made) pairs of pictures told apart rightly (0.5:
    it sees no difference; 1: it has won); `D(real)` and `D(fake)`, the probability of being real that it gives to
    either kind (minimax, non_saturating), or of being more real than the other kind is on average
    (relativistic_average); for the others `critic(real)` and `critic(fake)`, its scores; `gradient penalty`, `r1` and
    `augmentation`, the probability p, where there are such.

    Args:
        discriminator: the part that judges. It sees HR as the network's target has it.
        objective: what the two play for. `minimax`: the generator minimises log(1 − D); `non_saturating`: −log D, as in
            SRGAN; `lsgan`: squares; `wgan`: means of scores, weights clipped; `wgan_gp`: with a gradient penalty;
            `hinge`; `relativistic_average`, as in ESRGAN, both players' terms halved.
        clip: largest size of a weight of the discriminator; for `wgan`.
        gradient_penalty: weight of the penalty; for `wgan_gp`.
        regularise: `r1`: half of `r1_weight` times the squared slope at real pictures (Mescheder et al., ICML 2018).
        r1_weight: γ.
        r1_every: steps of the network from one such penalty to the next, which then counts so many times as much
            (lazy regularisation: Karras et al., StyleGAN2, CVPR 2020, who take 16).
        own_steps: the discriminator's steps for each of the network's; WGANs take 5.
        warmup: steps in which the discriminator learns and the network does not hear of it.
        feature_matching: weight of the term `feature matching` in the network's loss: the mean absolute difference of
            the discriminator's feature maps of SR and HR, averaged over its stages (Salimans et al., NeurIPS 2016;
            Wang et al., pix2pixHD, CVPR 2018). It means nothing where training is unpaired.
        augment: `ada`: pictures are changed by chance before the discriminator sees them, and more so while it is too
            sure of real ones (Karras et al., NeurIPS 2020): where training pictures are few.
        ada_target: how sure of them it may be: the mean sign of its verdicts.
        ada_images: real pictures in which the probability of a change can go from 0 to 1.

    Raises:
        ValueError: `wgan_gp` with a discriminator that has batch normalisation, or `ada` with a Wasserstein critic.
    """

    def __init__(
        self,
        discriminator: Discriminator,
        objective: ObjectiveName = "non_saturating",
        clip: PositiveWeight = 0.01,
        gradient_penalty: PositiveWeight = 10.0,
        regularise: Literal["none", "r1"] = "none",
        r1_weight: PositiveWeight = 10.0,
        r1_every: Steps = 1,
        own_steps: Steps = 1,
        warmup: Annotated[int, Field(ge=0)] = 0,
        feature_matching: Weight = 0.0,
        augment: Literal["none", "ada"] = "none",
        ada_target: Annotated[float, Field(gt=-1, lt=1)] = 0.6,
        ada_images: Steps = 500_000,
    ) -> None:
        super().__init__()
        if objective == "wgan_gp" and any(
            isinstance(m, nn.modules.batchnorm._BatchNorm) for m in discriminator.modules()
        ):
            raise ValueError(
                "wgan_gp penalises the slope at each picture by itself, and batch normalisation mixes the pictures of "
                "a batch: choose a discriminator without it, or another objective"
            )
        if augment == "ada" and not OBJECTIVES[objective].has_boundary:
            usable = ", ".join(name for name, rule in OBJECTIVES.items() if rule.has_boundary)
            raise ValueError(
                f"augment: ada goes by the sign of verdicts, and a Wasserstein critic's has no meaning; take {usable}"
            )
        self.discriminator = discriminator
        self.channels = discriminator.channels
        self.needs_pairs = feature_matching > 0
        self.own_steps = own_steps
        self._objective = OBJECTIVES[objective]
        self._clip = clip if objective == "wgan" else None
        self._gradient_penalty = gradient_penalty if objective == "wgan_gp" else None
        self._r1_weight = r1_weight if regularise == "r1" else None
        self._r1_every, self._warmup, self._feature_matching = r1_every, warmup, feature_matching
        self.augmentation = AdaptiveAugmentation(ada_target, ada_images) if augment == "ada" else None

    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> dict[str, Tensor]:
        """What the network minimises: `adversarial`, and `feature matching` where it is asked for.

        Raises:
            SrkitError: features are to be matched, and the discriminator shows none.
        """
        if batch.step < self._warmup:
            return {"adversarial": 0 * sr.sum()}  # with a gradient, which the loop asks for: of zeros
        real, fake = self._shown(hr, sr)
        real_stages = None
        if self._feature_matching or self._objective.generator_needs_real:
            with torch.no_grad():
                real_stages = self.discriminator.stages(real)
        fake_stages = self.discriminator.stages(fake)
        with full_precision(fake_stages[-1]) as (verdict,):
            on_real = None if real_stages is None else real_stages[-1].to(verdict.dtype)
            terms = {"adversarial": self._objective.generator(verdict, on_real)}
        if self._feature_matching and real_stages is not None:
            if len(real_stages) < 2:
                name = type(self.discriminator).__name__
                raise SrkitError(f"feature_matching compares feature maps, and {name} shows its verdict alone")
            pairs = zip(fake_stages[:-1], real_stages[:-1], strict=True)
            distances = [_mean_absolute_difference(made, genuine) for made, genuine in pairs]
            terms["feature matching"] = self._feature_matching * torch.stack(distances).mean()
        return terms

    def own_objective(self, sr: Tensor, hr: Tensor, batch: Batch) -> dict[str, Tensor]:
        """What the discriminator minimises, and what the log shows of it."""
        shown_real, shown_fake = self._shown(hr, sr)
        real, fake = self.discriminator(shown_real), self.discriminator(shown_fake)
        with full_precision(real, fake) as (real, fake):
            objective = self._objective.discriminator(real, fake)
            with torch.no_grad():
                logged = self._watched(real, fake)
        if self._gradient_penalty is not None:
            penalty = interpolation_penalty(self.discriminator, shown_real, shown_fake)
            objective = objective + self._gradient_penalty * penalty
            logged["gradient penalty"] = penalty.detach()
        if self._r1_weight is not None and batch.step % self._r1_every == 0:
            penalty = self._r1_weight / 2 * squared_slope(self.discriminator, shown_real)
            objective = objective + self._r1_every * penalty
            logged["r1"] = penalty.detach()
        return {"objective": objective, **logged}

    @torch.no_grad()
    def after_own_step(self) -> None:
        """Weights are clipped, the probability of a change is adapted; where there is such a thing."""
        if self._clip is not None:
            for parameter in self.discriminator.parameters():
                if parameter.requires_grad:  # not those of a feature network that it looks through
                    parameter.clamp_(-self._clip, self._clip)
        if self.augmentation is not None:
            self.augmentation.adapt()

    def _shown(self, hr: Tensor, sr: Tensor) -> tuple[Tensor, Tensor]:
        """What the discriminator sees of HR and SR."""
        return (hr, sr) if self.augmentation is None else self.augmentation(hr, sr)

    def _watched(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """Terms for the log."""
        centred = self._objective.centred(real, fake)
        if self._objective.gives_probabilities:
            logged = {"D(real)": centred[0].sigmoid().mean(), "D(fake)": centred[1].sigmoid().mean()}
        else:
            logged = {"critic(real)": real.mean(), "critic(fake)": fake.mean()}
        logged["separation"] = separation(real, fake)
        if self.augmentation is not None:
            self.augmentation.watch(centred[0])
            logged["augmentation"] = self.augmentation.probability.clone()
        return logged


def _mean_absolute_difference(one: Tensor, other: Tensor) -> Tensor:
    with full_precision(one, other) as (one, other):
        return F.l1_loss(one, other)
