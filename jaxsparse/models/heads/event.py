"""A score a class for every event."""

from typing import Any, ClassVar

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Float32

from jaxsparse.models.backbones.backbone import EVENT, Features
from jaxsparse.models.fields import field
from jaxsparse.models.heads.head import Head
from jaxsparse.nn.blocks import BlockSettings
from jaxsparse.nn.dense_tensor import DenseTensor
from jaxsparse.nn.dropout import Dropout
from jaxsparse.nn.pointwise import with_features, with_type
from jaxsparse.rules import COUNT, SHARE, SWITCH, Rule

POOLINGS = ("average", "max", "sum", "log_sum")


def pooling_parts(pooling: Any) -> tuple[str, ...]:
    """What a name of a pooling is made of; empty for one that is none.

    >>> pooling_parts("average+log_sum"), pooling_parts("mean")
    (('average', 'log_sum'), ())
    """
    parts = tuple(pooling.split("+")) if isinstance(pooling, str) else ()
    known = all(part in POOLINGS for part in parts) and len(set(parts)) == len(parts)
    return parts if known else ()


class EventHead(Head):
    """Pooling over the sites of an event, batch norm if wanted, dropout and a linear layer.

    Returns the scores, float32 ``[events, num_classes]``. An event without sites has features zero
    and so the bias of the linear layer as its scores.

    Several tensors of a backbone that keeps its views apart, and several poolings, are pooled each
    by itself; their channels follow one another.

    Poolings: ``"average"`` and ``"max"`` do not see how large an event is. ``"sum"`` does, over
    orders of magnitude; ``"log_sum"`` is ``asinh(sum)``, about ``sign(sum) log(2 |sum|)`` for large
    sums. Sums of hundreds of sites are large numbers, which dropout and a fresh linear layer take
    badly: ``normalize_pooled`` is for them. Dropout draws from the random stream ``"dropout"``.
    """

    reads: ClassVar[str] = EVENT

    num_classes: int = field(5, COUNT, "scores an event")
    pooling: str = field(
        "average",
        Rule(
            f"be one of {', '.join(POOLINGS)}, or several joined by +",
            lambda value: bool(pooling_parts(value)),
        ),
        "over the sites of an event",
    )
    normalize_pooled: bool = field(
        False, SWITCH, "batch norm of the pooled features over the events that have a site"
    )
    dropout: float = field(0.0, SHARE, "share of the pooled features dropped in training")

    @nn.compact
    def __call__(
        self, settings: BlockSettings, features: Features, images: tuple[Any, ...]
    ) -> Float32[Array, "events classes"]:
        layers = settings.layers
        parts = pooling_parts(self.pooling)
        views = [with_type(x, jnp.float32) for x in features.event]
        pooled = jnp.concatenate(
            [_pooled(layers, x, part) for x in views for part in parts], axis=-1
        )
        vectors = DenseTensor(pooled, mask=None, stride=())  # images without an axis
        if self.normalize_pooled:
            sites = sum(
                layers.global_sum_pooling(with_features(x, jnp.ones_like(x.features[..., :1])))
                for x in views
            )
            vectors = settings.batch_norm("norm")(vectors.replace(mask=sites[:, 0] > 0))
        vectors = Dropout(self.dropout, train=settings.train, name="dropout")(vectors)
        scores = layers.Linear(self.num_classes, name="scores")(vectors)
        return jnp.asarray(scores.features)


def _pooled(layers: Any, x: Any, part: str) -> Float[Array, "events channels"]:
    if part != "log_sum":
        return getattr(layers, f"global_{part}_pooling")(x)
    return jnp.arcsinh(layers.global_sum_pooling(x))
