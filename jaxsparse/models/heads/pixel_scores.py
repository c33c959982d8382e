"""Scores of every pixel: what heads of pixels have in common."""

from typing import Any

import jax.numpy as jnp

from jaxsparse.models.backbones.backbone import Features, per_view
from jaxsparse.nn.blocks import BlockSettings
from jaxsparse.nn.pointwise import with_type


def pixel_scores(
    settings: BlockSettings, features: Features, scores: int, name: str = "scores"
) -> list[Any]:
    """Batch norm, activation and a linear layer at every pixel of every view.

    The views share the layers where they share those of the backbone: running moments of batch norm
    are of one kind of features. To be called within the head, whose layers ``norm`` and ``name``
    become.

    Args:
      settings: of the network.
      features: with those of pixels.
      scores: numbers a pixel.
      name: of the linear layer.

    Returns:
      One tensor a view, float32, of the vocabulary of the features; padding rows are zero.
    """

    def modules(name: str, make: Any) -> list[Any]:
        return per_view(len(features.pixels), features.shared, name, make)

    norms = modules("norm", settings.batch_norm_and_activation)
    linear = modules(name, lambda name: settings.linear(scores, name, dtype=None))
    return [
        layer(with_type(norm(x), jnp.float32))
        for x, norm, layer in zip(features.pixels, norms, linear, strict=True)
    ]
