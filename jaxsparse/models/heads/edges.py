"""Whether two pixels near each other are of one particle: a score for every pair."""

import dataclasses
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32, Int, Int32

from jaxsparse.models.backbones.backbone import PIXELS, Features
from jaxsparse.models.fields import field
from jaxsparse.models.heads.head import Head, check_lists_of_pixels
from jaxsparse.models.heads.pixel_scores import pixel_scores
from jaxsparse.nn.blocks import BlockSettings
from jaxsparse.ops.directions import nearest_in_directions
from jaxsparse.ops.rows import take_rows
from jaxsparse.pytree import pytree
from jaxsparse.rules import COUNT, Rule, is_whole
from jaxsparse.tensor import SparseTensor


@pytree
@dataclasses.dataclass(frozen=True)
class EdgeScores:
    """Pairs of pixels, and what is said of each.

    Attributes:
      others: of every view, int32 ``[sites, directions]``: the row of the other pixel, the number
        of rows where there is none.
      same: of every view, float32 ``[sites, directions]``, logits: whether both are of one
        particle; 0 where there is no other.
    """

    others: tuple[Int32[Array, "_ directions"], ...]
    same: tuple[Float32[Array, "_ directions"], ...]


class EdgeHead(Head):
    """Scores of pairs of pixels, view by view.

    Every pixel is paired with the nearest one behind it in each direction
    (:func:`~jaxsparse.ops.directions.nearest_in_directions`): few pairs, and one across every gap
    of dead wires. Two layers see the features of both, where the other lies from the one, and of
    every class the product of the probabilities that a head ``semantic`` has for both. These take
    no gradient from here.

    Raises:
      InputError: in a network of the dense vocabulary, or on images of other than two axes.
    """

    reads: ClassVar[str] = PIXELS
    tells_particles: ClassVar[bool] = True
    reads_classes: ClassVar[bool] = True

    directions: int = field(
        8,
        Rule(
            "be a positive even number",
            lambda value: is_whole(value) and value > 0 and value % 2 == 0,
        ),
        "in which a pixel is paired with the nearest one",
    )
    reach: int = field(40, COUNT, "pixels, the longest distance of a pair")
    channels: int = field(32, COUNT, "of pixels and of pairs")

    @nn.compact
    def __call__(
        self, settings: BlockSettings, features: Features, images: tuple[Any, ...]
    ) -> EdgeScores:
        check_lists_of_pixels(settings, "edges")
        one, other, pair, hidden = (
            nn.Dense(self.channels, use_bias=name in ("one", "hidden"), name=name)
            for name in ("one", "other", "pair", "hidden")
        )
        same = nn.Dense(1, name="same")
        pixels = pixel_scores(settings, features, self.channels, "embedding")
        others, scores = [], []
        for view, (image, x) in enumerate(zip(images, pixels, strict=True)):
            rows = nearest_in_directions(image, self.directions, self.reach)
            there = take_rows(other(x.features), rows.reshape(-1))
            there = there.reshape(*rows.shape, self.channels)
            between = offsets(image, rows, self.reach)
            if features.class_scores:
                both = agreements(features.class_scores[view], rows)
                between = jnp.concatenate([between, both], axis=-1)
            seen = one(x.features)[:, None] + there + pair(between)
            score = same(nn.relu(hidden(nn.relu(seen))))[..., 0]
            others.append(rows)
            scores.append(jnp.where(rows < len(rows), score, 0.0))
        return EdgeScores(tuple(others), tuple(scores))


def offsets(
    image: SparseTensor, rows: Int[Array, "sites directions"], reach: int
) -> Float32[Array, "sites directions 6"]:
    """Where the other pixel of a pair lies from the one; 0 where there is none.

    Both differences of coordinates and their length in units of the reach, the unit vector along
    them, and ``log2`` of the length: a neighbour has 0.
    """
    coords = image.coords[:, 1:].astype(jnp.float32)
    there = (rows < len(rows))[..., None]
    other = coords[jnp.where(there[..., 0], rows, 0)]
    step = jnp.where(there, other - coords[:, None], 0.0)
    length = jnp.maximum(jnp.sqrt(jnp.sum(step**2, axis=-1, keepdims=True)), 1.0)
    every = [step / reach, length / reach, step / length, jnp.log2(length)]
    return jnp.where(there, jnp.concatenate(every, axis=-1), 0.0)


def agreements(
    scores: Float32[Array, "sites classes"], rows: Int[Array, "sites directions"]
) -> Float32[Array, "sites directions classes"]:
    """Of every pair and class the product of both probabilities; 0 where there is no other."""
    shares = jax.nn.softmax(jax.lax.stop_gradient(scores))
    return shares[:, None] * shares.at[rows].get(mode="fill", fill_value=0.0)
