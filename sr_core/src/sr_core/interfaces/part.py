"""The part contract: a piece that other components take as an argument."""

from __future__ import annotations

from typing import ClassVar

from torch import nn


class Part(nn.Module):
    """A discriminator, a feature network, a backbone: derive the role from it, and the pieces from the role.

    A component that takes a part types the argument with the role's class; a spec then names the part there:
    `{name: gan, discriminator: {name: patchgan, layers: 3}}`. Only parts of that role are accepted.
    """

    kind: ClassVar[str] = "part"

    def check_facts(self) -> None:
        """Nothing to refuse; a role may ask more of its parts."""
