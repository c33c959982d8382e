"""Which particle a pixel is of: queries that all views of an event share."""

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32

from jaxsparse.models.backbones.backbone import PIXELS, Features, per_view
from jaxsparse.models.fields import field
from jaxsparse.models.heads.head import Head, check_lists_of_pixels
from jaxsparse.models.heads.pixel_scores import pixel_scores
from jaxsparse.models.heads.query_layer import ATTENTIONS, QueryLayer
from jaxsparse.nn.blocks import BlockSettings
from jaxsparse.nn.parameters import parameter
from jaxsparse.ops.event_reduction import EventRows, event_spread, event_sum
from jaxsparse.pytree import pytree
from jaxsparse.rules import COUNT, Rule, is_whole, whole

WAVELENGTHS = tuple(4.0 * 2**k for k in range(7))  # pixels


@pytree
@dataclasses.dataclass(frozen=True)
class InstanceScores:
    """What the queries of every event say.

    Attributes:
      pixels: of every view, float32 ``[sites, queries]``: the softmax over the queries is the
        probability that the pixel is of that query. Padding rows are zero.
      used: float32 ``[events, queries]``, logits: whether the query is a particle of the event.
      classes: float32 ``[events, queries, classes]``, logits: of which class.
      earlier: what they said before they saw the pixels, and after every layer but the last; empty
        unless in training.
    """

    pixels: tuple[Float32[Array, "_ queries"], ...]
    used: Float32[Array, "events queries"]
    classes: Float32[Array, "events queries classes"]
    earlier: tuple["InstanceScores", ...] = ()


class InstanceHead(Head):
    """Learned queries, the same for every event, each of which becomes one of its particles.

    Every layer lets the queries look at the pixels of all views of their event
    (:class:`~jaxsparse.models.heads.query_layer.QueryLayer`). What they have become is compared
    with every pixel: ``score[pixel, query] = <pixel, query> / sqrt(channels)``. A query is one
    particle in all views, so views agree on who is who. A pixel is its features and its place,
    counted from the middle of the event: along the first axis that of all views together, which
    share it, along others that of the view.

    Of an event with more particles than ``queries`` some must share one.

    Source: Cheng et al., arXiv 2112.01527 (queries and masked attention), and Wang et al., arXiv
    2012.00759 (a softmax over queries at every pixel).

    Raises:
      InputError: in a network of the dense vocabulary.
    """

    reads: ClassVar[str] = PIXELS
    tells_particles: ClassVar[bool] = True

    num_classes: int = field(5, COUNT, "scores a query")
    queries: int = field(16, COUNT, "most particles of an event, over all its views")
    channels: int = field(
        64,
        Rule(
            f"be a positive multiple of {ATTENTIONS}",
            lambda value: is_whole(value) and value > 0 and value % ATTENTIONS == 0,
        ),
        "of queries and of the pixels that they are compared with",
    )
    layers: int = field(3, whole(1), "in which queries look at the pixels")

    @nn.compact
    def __call__(
        self, settings: BlockSettings, features: Features, images: tuple[Any, ...]
    ) -> InstanceScores:
        check_lists_of_pixels(settings, "instance")
        rows = [EventRows.of(x) for x in images]
        own = [x.features for x in pixel_scores(settings, features, self.channels, "embedding")]
        places = per_view(
            len(images),
            features.shared,
            "places",
            lambda name: nn.Dense(self.channels, use_bias=False, name=name),
        )
        hidden = nn.Dense(2 * self.channels, name="hidden_pixel")
        hidden_out = nn.Dense(self.channels, name="hidden_pixel_out")
        pixels = []
        for each, layer, place in zip(own, places, places_of(images, rows), strict=True):
            both = each + layer(place)
            pixels.append(both + hidden_out(nn.relu(hidden(both))))
        compared = nn.Dense(self.channels, name="compared_pixel")
        sides = [compared(each) for each in pixels]
        norm, mask = nn.LayerNorm(name="norm_query"), nn.Dense(self.channels, name="compared_query")
        used, classes = nn.Dense(1, name="used"), nn.Dense(self.num_classes, name="classes")

        def answer(queries: Array) -> InstanceScores:
            said = norm(queries)
            scores = _compared(sides, mask(said), rows)
            return InstanceScores(scores, used(said)[..., 0], classes(said))

        drawn = parameter(
            self, "queries", nn.initializers.normal(1.0), (self.queries, self.channels)
        )
        queries = jnp.broadcast_to(drawn, (rows[0].events, *drawn.shape))
        answers = [answer(queries)]
        for number in range(self.layers):
            before = jax.lax.stop_gradient(answers[-1].pixels)
            shares = [jax.nn.log_softmax(scores) for scores in before]
            queries = QueryLayer(name=f"layer_{number}")(queries, pixels, shares, rows)
            answers.append(answer(queries))
        earlier = tuple(answers[:-1]) if settings.train else ()
        return dataclasses.replace(answers[-1], earlier=earlier)


def places_of(
    images: Sequence[Any], rows: Sequence[EventRows]
) -> list[Float32[Array, "_ channels"]]:
    """Sines and cosines of where pixels are, counted from the middle of their event.

    Along every axis and every diagonal: a product with a vector can then follow a track that runs
    across the axes, as sums of functions of each axis cannot.

    Args:
      images: one SparseTensor a view; the views share their first axis.
      rows: of every view.

    Returns:
      float32 ``[sites, 2 * directions * len(WAVELENGTHS)]`` of every view.
    """
    coords = [image.coords[:, 1:].astype(jnp.float32) for image in images]
    sums = [event_sum(each, own) for each, own in zip(coords, rows, strict=True)]
    counts = [own.counts[:, None].astype(jnp.float32) for own in rows]
    along = sum(each[:, :1] for each in sums) / jnp.maximum(sum(counts), 1.0)
    waves = jnp.array([2 * math.pi / length for length in WAVELENGTHS], jnp.float32)
    places = []
    for each, total, count, own in zip(coords, sums, counts, rows, strict=True):
        middle = jnp.concatenate([along, total[:, 1:] / jnp.maximum(count, 1.0)], axis=1)
        from_middle = each - event_spread(middle, own)
        distance = jnp.matmul(from_middle, directions(each.shape[1]).T, precision="highest")
        phases = distance[..., None] * waves
        both = jnp.concatenate([jnp.sin(phases), jnp.cos(phases)], axis=-1)
        places.append(both.reshape(len(each), -1))
    return places


def directions(dim: int) -> Float32[Array, "directions dim"]:
    """Unit vectors along axes and diagonals, one of each pair of opposite ones.

    >>> (10 * directions(2)).round().astype(int).tolist()
    [[0, 10], [7, -7], [10, 0], [7, 7]]
    """
    every = itertools.product((-1, 0, 1), repeat=dim)
    steps = np.array([step for step in every if step > (0,) * dim])
    return jnp.asarray(steps / np.linalg.norm(steps, axis=1, keepdims=True), jnp.float32)


def _compared(
    pixels: Sequence[Array], queries: Float32[Array, "events queries channels"], rows: Any
) -> tuple[Float32[Array, "_ queries"], ...]:
    """Scores of every pixel with the queries of its event; padding rows are zero."""
    events, number, channels = queries.shape
    found = []
    for each, own in zip(pixels, rows, strict=True):
        wanted = event_spread(queries.reshape(events, -1), own).reshape(-1, number, channels)
        found.append(jnp.einsum("pqc,pc->pq", wanted, each) / math.sqrt(channels))
    return tuple(found)
