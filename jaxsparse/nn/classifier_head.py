"""From the sites of an event to its scores."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Float32

from jaxsparse.errors import InputError
from jaxsparse.nn.blocks import BlockSettings
from jaxsparse.nn.dense_tensor import DenseTensor
from jaxsparse.nn.dropout import Dropout

POOLINGS = ("average", "max", "sum", "log_sum")


def pooling_parts(pooling: Any) -> tuple[str, ...]:
    """What a name of a pooling is made of; empty for one that is none.

    >>> pooling_parts("average+log_sum"), pooling_parts("mean")
    (('average', 'log_sum'), ())
    """
    parts = tuple(pooling.split("+")) if isinstance(pooling, str) else ()
    known = all(part in POOLINGS for part in parts) and len(set(parts)) == len(parts)
    return parts if known else ()


class ClassifierHead(nn.Module):
    """Pooling over the sites of an event, dropout and a linear layer.

    Returns the scores, float32 ``[events, num_classes]``. An event without sites has features zero
    and so the bias of the linear layer as its scores.

    Attributes:
        num_classes: scores an event.
        settings: of the network.
        pooling: over the sites of the event, a name of :data:`POOLINGS` or several joined by
            ``+``, whose channels follow one another. ``"average"`` and ``"max"`` do not see how
            large an event is. ``"sum"`` does, over orders of magnitude; ``"log_sum"`` is
            ``asinh(sum)``, about ``sign(sum) log(2 |sum|)`` for large sums.
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
        parts = pooling_parts(self.pooling)
        if not parts:
            raise InputError(
                f"pooling is {self.pooling!r}: must be one of {', '.join(POOLINGS)}, or several "
                "joined by +"
            )
        pooled = jnp.concatenate([self._pooled(x, part) for part in parts], axis=-1)
        vectors = DenseTensor(pooled, mask=None, stride=())  # images without an axis
        vectors = Dropout(self.dropout, train=settings.train, name="dropout")(vectors)
        scores = layers.Linear(self.num_classes, name="scores")(vectors)
        return jnp.asarray(scores.features, jnp.float32)

    def _pooled(self, x: Any, part: str) -> Float[Array, "events channels"]:
        layers = self.settings.layers
        if part != "log_sum":
            return getattr(layers, f"global_{part}_pooling")(x)
        return jnp.arcsinh(layers.global_sum_pooling(x))
