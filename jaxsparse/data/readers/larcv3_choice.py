"""Which products of a larcv3 file are read as what, where several producers may have made one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

from jaxsparse.data.readers.larcv3_tables import product_of
from jaxsparse.errors import InputError

_IMAGES, _CLUSTERS = ("sparse2d", "sparse3d"), ("cluster2d", "cluster3d")


@dataclasses.dataclass(frozen=True)
class Choice:
    """Products, by product and producer (``sparse2d_wire``).

    Attributes:
      image: of pixel values, at most one with two axes and one with three.
      labels, clusters: of classes and of instances, likewise.
      particles: of particles; empty for none.
    """

    image: tuple[str, ...]
    labels: tuple[str, ...]
    clusters: tuple[str, ...]
    particles: str

    @property
    def names(self) -> list[str]:
        """All of them, each one once."""
        every = [*self.image, *self.labels, *self.clusters, self.particles]
        return [name for name in dict.fromkeys(every) if name]


def choose(
    names: Iterable[str],
    path: Path,
    *,
    image: Sequence[str] = (),
    labels: Sequence[str] = (),
    clusters: Sequence[str] = (),
    particles: str = "",
) -> Choice:
    """What is named, and of what is not the only one there is.

    Args:
      names: of all products of the file.
      path: of the file, for messages.
      image, labels, clusters, particles: what is named, see :class:`Choice`. By default the image
        is the only sparse product of either dimension that is no label, else the only clusters;
        clusters and particles are the only ones.

    Raises:
      InputError: a name that is not in the file or of another kind, two of one dimension, an image
        that must be named.

    >>> choose(["sparse2d_a", "sparse2d_b", "cluster2d_c"], Path("a.h5"), image=["sparse2d_b"])
    Choice(image=('sparse2d_b',), labels=(), clusters=('cluster2d_c',), particles='')
    """
    there = list(names)

    def of(product: str) -> list[str]:
        return [name for name in there if product_of(name) == product]

    def named(option: str, given: Sequence[str], products: Sequence[str]) -> tuple[str, ...]:
        said = f"{option} is {','.join(given)}"
        for name in given:
            if name not in there:
                has = ", ".join(there) or "no product"
                raise InputError(f"{said}: {path} has no {name}, it has {has}")
            if product_of(name) not in products:
                raise InputError(f"{said}: {name} must be {' or '.join(products)}")
        if len({product_of(name)[-2:] for name in given}) < len(given):
            raise InputError(f"{said}: name one 2d and one 3d at most")
        return tuple(given)

    def only_image(dim: str) -> list[str]:
        sparse = [name for name in of(f"sparse{dim}") if name not in labels]
        found = sparse or of(f"cluster{dim}")
        if len(found) > 1:
            raise InputError(
                f"{path} has {', '.join(found)}: say which holds the values of pixels, "
                f"image={found[0]}"
            )
        return found

    label_names = named("labels", labels, _IMAGES)
    image_names = named("image", image, (*_IMAGES, *_CLUSTERS))
    image_names = image_names or tuple(only_image("2d") + only_image("3d"))
    if not image_names:
        raise InputError(
            f"{path} has no {', '.join((*_IMAGES, *_CLUSTERS))} but "
            f"{', '.join(there) or 'no product'}: give a file that has an image"
        )
    cluster_names = named("clusters", clusters, _CLUSTERS)
    if not clusters:
        own = [of(f"cluster{product_of(name)[-2:]}") for name in image_names]
        cluster_names = tuple(found[0] for found in own if len(found) == 1)
    if particles:
        named("particles", [particles], ["particle"])
    elif len(of("particle")) == 1:
        particles = of("particle")[0]
    return Choice(image_names, label_names, cluster_names, particles)
