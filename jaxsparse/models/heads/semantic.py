"""A score a class for every pixel."""

from typing import Any, ClassVar

import flax.linen as nn
from jaxtyping import Array, Float32

from jaxsparse.models.backbones.backbone import PIXELS, Features
from jaxsparse.models.fields import field
from jaxsparse.models.heads.head import Head
from jaxsparse.models.heads.pixel_scores import pixel_scores
from jaxsparse.nn.blocks import BlockSettings
from jaxsparse.rules import COUNT


class SemanticHead(Head):
    """Batch norm, activation and a linear layer at every pixel of every view.

    Returns a tuple, one a view, of float32 ``[sites, num_classes]`` in the rows of the view's
    batch, zero on padding rows (``[events, *spatial, num_classes]`` for a DenseTensor). The views
    share the layers where they share those of the backbone.
    """

    reads: ClassVar[str] = PIXELS

    num_classes: int = field(5, COUNT, "scores a pixel")

    @nn.compact
    def __call__(
        self, settings: BlockSettings, features: Features, images: tuple[Any, ...]
    ) -> tuple[Float32[Array, "..."], ...]:
        scores = pixel_scores(settings, features, self.num_classes)
        return tuple(map(settings.layers.leave, scores, images))
