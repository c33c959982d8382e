"""A score a class for every pixel."""

from typing import Any, ClassVar

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float32

from jaxsparse.models.backbones.backbone import PIXELS, Features, per_view
from jaxsparse.models.heads.head import Head
from jaxsparse.nn.blocks import BlockSettings
from jaxsparse.nn.pointwise import with_type


class SemanticHead(Head):
    """Batch norm, activation and a linear layer at every pixel of every view.

    Returns a tuple, one a view, of float32 ``[sites, num_classes]`` in the rows of the view's
    batch, zero on padding rows (``[events, *spatial, num_classes]`` for a DenseTensor). The views
    share the layers where they share those of the backbone: running moments of batch norm are of
    one kind of features.
    """

    reads: ClassVar[str] = PIXELS

    @nn.compact
    def __call__(
        self, settings: BlockSettings, features: Features, images: tuple[Any, ...]
    ) -> tuple[Float32[Array, "..."], ...]:
        layers = settings.layers

        def modules(name: str, make: Any) -> list[Any]:
            return per_view(len(features.pixels), features.shared, name, make)

        norms = modules("norm", settings.batch_norm_and_activation)
        scores = modules("scores", lambda name: settings.linear(self.num_classes, name, dtype=None))
        return tuple(
            layers.leave(score(with_type(norm(x), jnp.float32)), image)
            for x, image, norm, score in zip(features.pixels, images, norms, scores, strict=True)
        )
