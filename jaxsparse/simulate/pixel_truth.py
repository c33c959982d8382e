"""From charges of particle instances in cells to the truth of every pixel."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from jaxsparse.data.schema import NO_CLASS
from jaxsparse.detectors.microboone import CLASS_NAMES

# A class, or an instance, counts in a pixel where it left at least this share of the charge.
MEANINGFUL_SHARE = 0.1


@dataclasses.dataclass(frozen=True)
class Groups:
    """The particle instances of an event, and which one every particle belongs to.

    An instance is one (label, cluster) pair; all charge is summed by it before anything is decided.

    Attributes:
      of_particle: int64 ``[particles]``, number of the group.
      label: int8 ``[groups]``, class or ``NO_CLASS``.
      instance: int32 ``[groups]``, row of the particle that names the cluster.
      interaction: bool ``[groups]``, from the vertex and not from a cosmic.
    """

    of_particle: np.ndarray
    label: np.ndarray
    instance: np.ndarray
    interaction: np.ndarray

    @classmethod
    def of(cls, particles: np.ndarray) -> Groups:
        """The groups of a particle table (``PARTICLE_DTYPE``)."""
        pair = particles["instance"].astype(np.int64) * 256 + particles["label"]
        _, first, number = np.unique(pair, return_index=True, return_inverse=True)
        named = particles[first]
        return cls(
            number, named["label"].copy(), named["instance"].copy(), named["interaction"].copy()
        )

    def __len__(self) -> int:
        return len(self.label)


def merge(
    cells: Int[np.ndarray, " parts"],
    group: Int[np.ndarray, " parts"],
    amount: Float[np.ndarray, " parts"],
    num_groups: int,
) -> tuple[Int[np.ndarray, " sums"], Int[np.ndarray, " sums"], Float[np.ndarray, " sums"]]:
    """Sums amounts by (cell, group): the sparse accumulation under all images.

    Returns:
      Cell, group and summed amount, sorted by cell, then group.

    >>> merge(np.array([5, 3, 5]), np.array([0, 1, 0]), np.array([1.0, 2.0, 4.0]), 2)
    (array([3, 5]), array([1, 0]), array([2., 5.]))
    """
    if not len(cells):
        return cells, group, amount
    keys = cells * num_groups + group
    order = np.argsort(keys)
    keys = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    keys = keys[starts]
    return keys // num_groups, keys % num_groups, np.add.reduceat(amount[order], starts)


def pixel_truth(
    cells: Int[np.ndarray, " sums"],
    group: Int[np.ndarray, " sums"],
    amount: Float[np.ndarray, " sums"],
    groups: Groups,
    *,
    floor: float,
) -> dict[str, np.ndarray]:
    """Decides what every pixel is, from the sums of :func:`merge`.

    A class or instance **counts** where its charge is at least a tenth of the pixel's and at least
    ``floor``. The label is the first class that counts in the order HIP > MIP > shower > delta >
    Michel; the instance is the one of that class with the largest charge; ``overlap`` is how many
    instances count; ``interaction`` says that more than half of the charge is from the vertex;
    ``share`` is what the instance left of all charge. A pixel where no class counts has label
    ``NO_CLASS``, instance -1 and share 0.

    Args:
      cells: flat pixel numbers, sorted; several rows may share one.
      group: number in ``groups``.
      amount: ADC (or MeV), positive.
      floor: smallest amount that counts, in the same unit.

    Returns:
      ``pixels`` (unique sorted cells), ``values`` and the truth columns of a view but
      ``vertex_distance``.
    """
    starts = np.flatnonzero(np.concatenate([[True], cells[1:] != cells[:-1]])[: len(cells)])
    pixel = np.zeros(len(cells), np.int64)
    pixel[starts[1:]] = 1
    pixel = np.cumsum(pixel)  # row in the list of unique pixels, for every sum
    count = len(starts)
    values = np.bincount(pixel, amount, minlength=count)
    least = np.maximum(MEANINGFUL_SHARE * values, floor)

    num_classes = len(CLASS_NAMES)
    label = groups.label[group].astype(np.int64)
    known = label != NO_CLASS
    by_class = np.bincount(
        pixel[known] * num_classes + label[known], amount[known], minlength=count * num_classes
    ).reshape(count, num_classes)
    counts = by_class >= least[:, None]
    labels = np.where(counts.any(1), counts.argmax(1), NO_CLASS)

    # The largest amount of the winning class; of equals the last, as good as any.
    candidate = np.where(known & (label == labels[pixel]), amount, -1.0)
    largest = np.maximum.reduceat(candidate, starts) if count else candidate
    winner = np.flatnonzero((candidate == largest[pixel]) & (candidate >= 0))
    instance = np.full(count, -1, np.int32)
    instance[pixel[winner]] = groups.instance[group[winner]]
    share = np.where(labels == NO_CLASS, 0.0, largest / values) if count else values

    from_vertex = np.bincount(pixel, amount * groups.interaction[group], minlength=count)
    overlap = np.bincount(pixel[amount >= least[pixel]], minlength=count)
    return {
        "pixels": cells[starts],
        "values": values,
        "labels": labels.astype(np.int8),
        "instance": instance,
        "interaction": 2 * from_vertex > values,
        "overlap": np.minimum(overlap, 255).astype(np.uint8),
        "share": share.astype(np.float32),
    }


def vertex_distance(
    coords: Int[np.ndarray, "pixels dim"],
    vertices: Int[np.ndarray, "vertices dim"],
    shape: tuple[int, ...],
) -> Float[np.ndarray, " pixels"]:
    """Chebyshev distance in pixels to the nearest vertex that lies in the image.

    >>> vertex_distance(np.array([[2, 2], [9, 4]]), np.array([[3, 4]]), (10, 10))
    array([2., 6.], dtype=float32)
    """
    distance = np.full(len(coords), np.inf, np.float32)
    for vertex in vertices:
        if ((vertex >= 0) & (vertex < shape)).all():
            np.minimum(distance, np.abs(coords - vertex).max(1), out=distance)
    return distance
