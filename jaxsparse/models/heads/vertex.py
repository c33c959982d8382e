"""A score for every pixel, the highest where the interaction is."""

from typing import Any, ClassVar

import flax.linen as nn
from jaxtyping import Array, Float32

from jaxsparse.models.backbones.backbone import PIXELS, Features
from jaxsparse.models.heads.head import Head
from jaxsparse.models.heads.pixel_scores import pixel_scores
from jaxsparse.nn.blocks import BlockSettings


class VertexHead(Head):
    """Batch norm, activation and a linear layer to one score at every pixel of every view.

    The softmax of the scores over the pixels of an event in a view is the probability that a pixel
    is the nearest one to the vertex; the highest score names it. So an answer is always a pixel
    that has charge, and the head can be trained where truth is a distance.

    Returns a tuple, one a view, of float32 ``[sites, 1]`` in the rows of the view's batch, zero on
    padding rows (``[events, *spatial, 1]`` for a DenseTensor).
    """

    reads: ClassVar[str] = PIXELS

    @nn.compact
    def __call__(
        self, settings: BlockSettings, features: Features, images: tuple[Any, ...]
    ) -> tuple[Float32[Array, "..."], ...]:
        return tuple(map(settings.layers.leave, pixel_scores(settings, features, 1), images))
