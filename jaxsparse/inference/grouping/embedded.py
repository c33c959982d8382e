"""Instances by embeddings: pixels of one class whose vectors are near each other.

The pixel that is surest to stand for its particle takes all pixels near it, then the next of those
that are left, and so on. Such **fragments** are of one particle, but a track is longer than what
any of its pixels sees. So the two fragments whose means are nearest become one, with the mean of
all their pixels, as long as some two are near enough (centroid linkage). Means are what particles
are in the training of the head, and the distance is the same.

Source: seeds of Neven et al., arXiv 1906.11109, section 3.3; joining is ours.
"""

from __future__ import annotations

import numpy as np

from jaxsparse.errors import InputError
from jaxsparse.inference.grouping.numbers import numbered_apart
from jaxsparse.inference.grouping.seen import NOBODY, Embedding, SeenEvent, SeenView

# Squared distances; the best mean panoptic quality on 71 validation crops (docs/panoptic_wires.md).
NEAR = 0.5  # of pixels of a fragment from its seed
JOINED = 1.5  # of means up to which two fragments are one
MOST = 1000  # fragments of a class in a view


def embedded(event: SeenEvent, near: float = NEAR, joined: float = JOINED) -> list[np.ndarray]:
    """Pixels near each other by their embeddings, class by class and view by view.

    Args:
      event: with embeddings.
      near: squared distance of the pixels of a fragment from its seed.
      joined: squared distance of means up to which fragments are joined.

    Returns:
      One array a view, int32 ``[pixels]``: numbers of instances; -1 for a pixel of no class.

    Raises:
      InputError: the network has no head ``embedding``.
    """
    if event.embeddings is None:
        raise InputError(
            "grouping is 'embedded', but the network has no head embedding: choose another grouping"
        )
    views = zip(event.views, event.embeddings, strict=True)
    return numbered_apart([_embedded(view, said, near, joined) for view, said in views])


def _embedded(view: SeenView, said: Embedding, near: float, joined: float) -> np.ndarray:
    called, dim = view.called, view.coords.shape[1]
    order = np.lexsort(view.coords.T[::-1])  # so that the given order does not matter
    numbers, first = np.full(len(called), NOBODY), 0
    for label in np.unique(called[called >= 0]):
        rows = order[called[order] == label]
        pixels = np.concatenate([said.vectors, said.stretches], axis=1)[rows].astype(np.float64)
        fragment = fragments(pixels, said.seeds[rows], dim, near)
        numbers[rows] = first + joined_fragments(pixels, fragment, dim, joined)
        first = int(numbers.max()) + 1
    return numbers


def fragments(
    pixels: np.ndarray, seeds: np.ndarray, dim: int, near: float, most: int = MOST
) -> np.ndarray:
    """Pixels near seeds, the best seed first, of equals the first pixel.

    Args:
      pixels: float64 ``[pixels, channels + dim * dim]``, vectors and stretches, of one class.
      seeds: float ``[pixels]``.
      dim: axes of the image.
      near: squared distance from a seed.
      most: fragments; pixels that are left then go with the nearest seed, the first of equals. It
        bounds the time by ``most * (pixels + most^2)``, joining included.

    Returns:
      int64 ``[pixels]``, numbers from 0 on.
    """
    number, found = np.full(len(pixels), NOBODY), list[np.ndarray]()
    left = np.argsort(-seeds.astype(np.float64), kind="stable")
    while len(left) and len(found) < most:
        own = squared_distances(pixels[left], pixels[left[0]], dim) < near
        own[0] = True
        number[left[own]] = len(found)
        found.append(pixels[left[0]])
        left = left[~own]
    if len(left):
        nearest = np.full(len(left), np.inf)
        for fragment, seed in enumerate(found):
            distance = squared_distances(pixels[left], seed, dim)
            number[left] = np.where(distance < nearest, fragment, number[left])
            nearest = np.minimum(distance, nearest)
    return number


def joined_fragments(
    pixels: np.ndarray, fragment: np.ndarray, dim: int, least: float
) -> np.ndarray:
    """Joins fragments two by two, the nearest means first, while two are nearer than ``least``.

    Args:
      pixels: float64 ``[pixels, channels + dim * dim]``, vectors and stretches.
      fragment: int64 ``[pixels]``, from 0 on, each of one pixel at least.
      dim: axes of the image.
      least: squared distance.

    Returns:
      int64 ``[pixels]``, numbers from 0 on.
    """
    sizes = np.bincount(fragment).astype(np.float64)
    means = np.zeros((len(sizes), pixels.shape[1]))
    np.add.at(means, fragment, pixels)
    means /= sizes[:, None]
    apart = np.stack([squared_distances(means, mean, dim) for mean in means])
    np.fill_diagonal(apart, np.inf)
    into = np.arange(len(sizes))
    while True:
        one, other = divmod(int(apart.argmin()), len(sizes))  # the first of equals: one < other
        if not apart[one, other] < least:
            return np.unique(into, return_inverse=True)[1][fragment]
        total = sizes[one] + sizes[other]
        means[one] = (sizes[one] * means[one] + sizes[other] * means[other]) / total
        sizes[one], sizes[other] = total, 0
        into[into == other] = one
        distance = squared_distances(means, means[one], dim)
        distance[(sizes == 0) | (np.arange(len(sizes)) == one)] = np.inf
        apart[one], apart[:, one] = distance, distance
        apart[other], apart[:, other] = np.inf, np.inf


def squared_distances(pixels: np.ndarray, other: np.ndarray, dim: int) -> np.ndarray:
    """float64 ``[pixels]``, of pixels from one other, either way the same.

    The difference of places stretched by the one and by the other, the mean of both squares, plus
    the square of the difference of the rests.

    >>> one, other = np.array([[3.0, 0, 5, 1, 0, 0, 1]]), np.array([0.0, 0, 4, 2, 0, 0, 2])
    >>> squared_distances(one, other, 2).tolist()  # (3^2 + 6^2) / 2 + 1
    [23.5]
    """
    channels = pixels.shape[1] - dim * dim
    apart = pixels[:, :channels] - other[:channels]
    total = (apart[:, dim:] ** 2).sum(1)
    for stretches in (pixels[:, channels:], other[None, channels:]):
        matrices = np.broadcast_to(stretches, (len(pixels), dim * dim)).reshape(-1, dim, dim)
        total += (np.einsum("nab,nb->na", matrices, apart[:, :dim]) ** 2).sum(1) / 2
    return total
