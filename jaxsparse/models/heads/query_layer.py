"""A layer in which queries gather what they need from the pixels of their event."""

import math
from collections.abc import Sequence

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float32

from jaxsparse.ops.event_reduction import EventRows, event_spread, event_sum
from jaxsparse.ops.event_softmax import event_softmax

ATTENTIONS = 4  # side by side, each on its part of the channels

Pixels = Sequence[Float32[Array, "_ channels"]]  # of every view


class QueryLayer(nn.Module):
    """Queries attend to the pixels of all views of their event, then to each other.

    Three residual steps, each behind a layer norm: attention to pixels, attention among the queries
    of an event, and a network of one hidden layer. The softmax of the first is over all pixels of
    an event in all views, so events never mix and padding rows weigh nothing.
    """

    @nn.compact
    def __call__(
        self,
        queries: Float32[Array, "events queries channels"],
        pixels: Pixels,
        shares: Sequence[Float32[Array, "_ queries"]],
        rows: Sequence[EventRows],
    ) -> Float32[Array, "events queries channels"]:
        """The queries after the layer.

        Args:
          queries: of every event.
          pixels: features of every view.
          shares: logarithm of how far a pixel is a query's: added to what the pixel is attended
            with. So a query looks at its own pixels first, and at all where it has none (masked
            attention, arXiv 2112.01527, with a soft mask).
          rows: where the pixels of every event are, of every view.
        """
        channels = queries.shape[-1]
        seen = self._attended(nn.LayerNorm(name="pixel_norm")(queries), pixels, shares, rows)
        queries += nn.Dense(channels, name="pixel_out")(seen)
        near = nn.LayerNorm(name="query_norm")(queries)
        queries += nn.MultiHeadDotProductAttention(ATTENTIONS, name="among")(near)
        hidden = nn.Dense(2 * channels, name="hidden")(nn.LayerNorm(name="hidden_norm")(queries))
        return queries + nn.Dense(channels, name="hidden_out")(nn.relu(hidden))

    @nn.nowrap
    def _attended(
        self,
        queries: Float32[Array, "events queries channels"],
        pixels: Pixels,
        shares: Sequence[Float32[Array, "_ queries"]],
        rows: Sequence[EventRows],
    ) -> Float32[Array, "events queries channels"]:
        events, number, channels = queries.shape
        split = number, ATTENTIONS, channels // ATTENTIONS
        asked = nn.Dense(channels, name="query")(queries).reshape(events, -1)
        key, value = nn.Dense(channels, name="key"), nn.Dense(channels, name="value")
        scores = []
        for each, share, own in zip(pixels, shares, rows, strict=True):
            wanted = event_spread(asked, own).reshape(-1, *split)
            match = jnp.einsum("pqad,pad->pqa", wanted, key(each).reshape(-1, *split[1:]))
            match = match / math.sqrt(split[-1]) + share[..., None]
            scores.append(match.reshape(len(each), -1))
        found = sum(
            event_sum(
                jnp.einsum(
                    "pqa,pad->pqad",
                    weights.reshape(-1, number, ATTENTIONS),
                    value(each).reshape(-1, *split[1:]),
                ).reshape(len(each), -1),
                own,
            )
            for weights, each, own in zip(event_softmax(scores, rows), pixels, rows, strict=True)
        )
        return jnp.asarray(found).reshape(events, number, channels)
