"""Where its particle is, as a pixel sees it: vectors that are near for one particle."""

import dataclasses
from typing import Any, ClassVar

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float32

from jaxsparse.errors import InputError
from jaxsparse.models.backbones.backbone import PIXELS, Features
from jaxsparse.models.fields import field
from jaxsparse.models.heads.head import Head, check_lists_of_pixels
from jaxsparse.models.heads.pixel_scores import pixel_scores
from jaxsparse.nn.blocks import BlockSettings
from jaxsparse.ops.event_reduction import EventRows
from jaxsparse.pytree import pytree
from jaxsparse.rules import COUNT

BEGIN = 0.02  # of the last layer: vectors begin near the places of their pixels


@pytree
@dataclasses.dataclass(frozen=True)
class EmbeddingScores:
    """What every pixel says of its particle; padding rows are zero.

    A pixel i is as far from a particle k, with the mean vector and the mean stretch of its pixels,
    as ``distance(i, k)^2 = |stretch_k (place_i - place_k)|^2 + |rest_i - rest_k|^2``: the place is
    the first ``dim`` numbers of a vector, the rest are the others.

    Attributes:
      vectors: of every view, float32 ``[sites, channels]``; the place in units of the reach.
      stretches: of every view, float32 ``[sites, dim * dim]``, a matrix row by row.
      seeds: of every view, float32 ``[sites]``, logits of ``exp(-distance^2)`` of the pixel from
        its own particle: how well it stands for it.
    """

    vectors: tuple[Float32[Array, "_ channels"], ...]
    stretches: tuple[Float32[Array, "_ squares"], ...]
    seeds: tuple[Float32[Array, " _"], ...]


class EmbeddingHead(Head):
    """A vector of every pixel, view by view, that pixels of one particle have in common.

    The vector begins with the coordinates of the pixel in units of the reach, plus a learned shift:
    pixels that look alike and lie apart are told apart, though the network gives both the same. The
    rest of it is learned. The stretch says along which directions the particle is long: a matrix
    that places are multiplied with, the unit matrix plus what is learned. It makes an ellipse of
    any direction, because a track is longer than any field of view. Views of one number of axes
    share the last layer.

    Source: Neven et al., arXiv 1906.11109 (shifts, learned widths and seeds, with one width an
    axis); Brabandere et al., arXiv 1708.02551 (vectors that are learned).

    Raises:
      InputError: in a network of the dense vocabulary, or fewer channels than axes.
    """

    reads: ClassVar[str] = PIXELS
    tells_particles: ClassVar[bool] = True

    channels: int = field(8, COUNT, "of a vector, the axes of the image among them")
    reach: int = field(32, COUNT, "pixels that are a unit of a vector")
    hidden: int = field(32, COUNT, "channels of the layer before")

    @nn.compact
    def __call__(
        self, settings: BlockSettings, features: Features, images: tuple[Any, ...]
    ) -> EmbeddingScores:
        check_lists_of_pixels(settings, "embedding")
        axes = [image.coords.shape[1] - 1 for image in images]
        if self.channels < max(axes):
            raise InputError(
                f"model.heads.embedding.channels is {self.channels}: a vector begins with the "
                f"place of its pixel, it must be at least {max(axes)}"
            )
        layers = {
            dim: nn.Dense(
                self.channels + dim * dim + 1,
                kernel_init=nn.initializers.normal(BEGIN),
                name="last" if len({*axes}) == 1 else f"last_{dim}d",
            )
            for dim in sorted({*axes})
        }
        vectors, stretches, seeds = [], [], []
        pixels = pixel_scores(settings, features, self.hidden, "embedding")
        for image, x, dim in zip(images, pixels, axes, strict=True):
            real = (EventRows.of(image).event < image.batch_size)[:, None]
            said = jnp.where(real, layers[dim](nn.relu(x.features)), 0.0)
            parts = [self.channels, self.channels + dim * dim]
            vector, stretch, seed = jnp.split(said, parts, axis=1)
            place = jnp.where(real, image.coords[:, 1:].astype(jnp.float32) / self.reach, 0.0)
            vectors.append(vector.at[:, :dim].add(place))
            stretches.append(stretch + jnp.where(real, jnp.eye(dim).reshape(-1), 0.0))
            seeds.append(seed[:, 0])
        return EmbeddingScores(tuple(vectors), tuple(stretches), tuple(seeds))
