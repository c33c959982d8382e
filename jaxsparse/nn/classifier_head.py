"""From the sites of an event to its scores."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float32

from jaxsparse.errors import InputError
from jaxsparse.nn.blocks import BlockSettings
from jaxsparse.nn.dense_tensor import DenseTensor
from jaxsparse.nn.dropout import Dropout

POOLINGS = ("average", "max", "sum")


class ClassifierHead(nn.Module):
    """Pooling over the sites of an event, dropout and a linear layer.

    Returns the scores, float32 ``[events, num_classes]``. An event without sites has features zero
    and so the bias of the linear layer as its scores.

    Attributes:
        num_classes: scores an event.
        settings: of the network.
        pooling: over the sites of the event, ``"average"``, ``"max"`` or ``"sum"``.
        dropout: share of the pooled features dropped in training; draws from the random stream
            ``"dropout"``.

    Raises:
        InputError: another pooling, or a rate outside of 0 to 1.
    """

    num_classes: int
    settings: BlockSettings
    pooling: str = "average"
    dropout: float = 0.0

    @nn.compact
    def __call__(self, x: Any) -> Float32[Array, "events classes"]:
        layers, settings = self.settings.layers, self.settings
        if self.pooling not in POOLINGS:
            raise InputError(f"pooling is {self.pooling!r}: must be one of {', '.join(POOLINGS)}")
        pooled = getattr(layers, f"global_{self.pooling}_pooling")(x)
        vectors = DenseTensor(pooled, mask=None, stride=())  # images without an axis
        vectors = Dropout(self.dropout, train=settings.train, name="dropout")(vectors)
        scores = layers.Linear(self.num_classes, name="scores")(vectors)
        return jnp.asarray(scores.features, jnp.float32)
