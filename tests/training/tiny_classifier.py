"""The smallest backbone whose features name events, for tests of training."""

from collections.abc import Sequence
from typing import Any, ClassVar

import flax.linen as linen

from jaxsparse import nn
from jaxsparse.models import Backbone, Features
from jaxsparse.models.fields import field
from jaxsparse.rules import COUNT, SWITCH


class TinyClassifier(Backbone):
    """A convolution a view; heads pool the views each by itself."""

    order: ClassVar[str] = "convolution_first"

    filters: int = field(4, COUNT, "of the convolution")
    depth: int = field(1, COUNT, "levels")
    normalize: bool = field(False, SWITCH, "batch norm")

    @property
    def levels(self) -> int:
        return self.depth

    @linen.compact
    def __call__(
        self, settings: nn.BlockSettings, views: Sequence[Any], wanted: frozenset[str]
    ) -> Features:
        found: list[Any] = []
        for x, geometry in views:
            x = nn.SubmanifoldConv(self.filters, use_bias=True)(x, geometry)
            if self.normalize:
                x = settings.batch_norm(f"norm_view_{len(found)}")(x)
            found.append(nn.relu(x))
        return Features({}, event=tuple(found))
