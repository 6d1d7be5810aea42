"""What a discriminator and its generator want of the verdicts on real and made pictures: one class an objective."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from torch import Tensor
from torch.nn import functional as F

from sr_core import batch_mean

ObjectiveName = Literal["minimax", "non_saturating", "lsgan", "wgan", "wgan_gp", "hinge", "relativistic_average"]


class Objective(ABC):
    """A game of two players over verdicts: logits N×1 or N×1×h×w in at least float32, larger for more real.

    Attributes:
        gives_probabilities: whether the sigmoid of a centred verdict is a probability.
        has_boundary: whether verdicts have a value between real and made, as a Wasserstein critic's have not.
        generator_needs_real: whether the generator's part looks at the verdict on real pictures too.
    """

    gives_probabilities: bool = False
    has_boundary: bool = True
    generator_needs_real: bool = False

    @abstractmethod
    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """What the discriminator minimises, a scalar."""

    @abstractmethod
    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """What the generator minimises, a scalar; `real` is there where `generator_needs_real`."""

    def centred(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """The verdicts (on real, on fake) moved so that 0 lies between real and made."""
        return real, fake


class Minimax(Objective):
    """Both players over one cross-entropy: the generator minimises log(1 − D), which is flat where D wins.

    Goodfellow et al., NeurIPS 2014, equation 1.
    """

    gives_probabilities = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """−log D(real) − log(1 − D(fake)); log(1 + eˣ) takes logits of any size."""
        return F.softplus(-real).mean() + F.softplus(fake).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """log(1 − D(fake))."""
        del real
        return -F.softplus(fake).mean()


class NonSaturating(Minimax):
    """As minimax, but the generator minimises −log D: steep where D wins (Goodfellow et al., NeurIPS 2014, section 3).

    SRGAN's adversarial loss (Ledig et al., CVPR 2017) and the "vanilla" one of public releases.
    """

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """−log D(fake)."""
        del real
        return F.softplus(-fake).mean()


class LeastSquares(Objective):
    """Squared distance to 1 for real and 0 for made (Mao et al., ICCV 2017), without the paper's factors of ½."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """(D(real) − 1)² + D(fake)²."""
        return (real - 1).square().mean() + fake.square().mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """(D(fake) − 1)²."""
        del real
        return (fake - 1).square().mean()

    def centred(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Less ½, the middle of both targets."""
        return real - 0.5, fake - 0.5


class Wasserstein(Objective):
    """The difference of mean scores; whoever uses it keeps the critic's slope small (Arjovsky et al., ICML 2017)."""

    has_boundary = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Mean score of made less that of real pictures."""
        return fake.mean() - real.mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """Less the mean score of made pictures."""
        del real
        return -fake.mean()


class Hinge(Objective):
    """Verdicts beyond ±1 on the right side teach the discriminator no more (Lim and Ye 2017; Miyato et al. 2018)."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """max(0, 1 − D(real)) + max(0, 1 + D(fake))."""
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """−D(fake)."""
        del real
        return -fake.mean()


class RelativisticAverage(Objective):
    """Whether a picture is more real than the other kind is on average (Jolicoeur-Martineau, ICLR 2019).

    As in ESRGAN (Wang et al., ECCVW 2018) and its release: cross-entropies of verdict less the other kind's mean, over
    the batch on all devices (a part of it where the spec says `accumulate`) and all places of a map of verdicts; both
    players' two terms are halved, as ESRGAN's weight of 0.005 wants it, and gradients pass through the means.
    """

    gives_probabilities = True
    generator_needs_real = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Real is more real than the mean fake one, and fake less than the mean real one."""
        real, fake = self.centred(real, fake)
        return (F.softplus(-real).mean() + F.softplus(fake).mean()) / 2

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """The discriminator's with labels swapped."""
        if real is None:
            raise ValueError("a relativistic generator needs the verdict on real pictures")
        return self.discriminator(real=fake, fake=real)

    def centred(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Less the mean of the other kind."""
        real_mean, fake_mean = (batch_mean(kind.flatten(1).mean(dim=1)) for kind in (real, fake))
        return real - fake_mean, fake - real_mean


OBJECTIVES: Mapping[ObjectiveName, Objective] = MappingProxyType(
    {
        "minimax": Minimax(),
        "non_saturating": NonSaturating(),
        "lsgan": LeastSquares(),
        "wgan": Wasserstein(),
        "wgan_gp": Wasserstein(),
        "hinge": Hinge(),
        "relativistic_average": RelativisticAverage(),
    }
)


def scores(verdict: Tensor) -> Tensor:
    """One score a picture: the mean of its verdicts, N from N×1 or N×1×h×w."""
    return verdict.flatten(1).mean(dim=1)


def separation(real: Tensor, fake: Tensor) -> Tensor:
    """The share of (real, made) pairs of pictures that are told apart rightly, a tie as half of one.

    0.5 where the discriminator sees no difference, 1 where it has won: the area under its ROC curve.
    """
    ahead = scores(real)[:, None] - scores(fake)
    return (ahead.sign().mean() + 1) / 2
