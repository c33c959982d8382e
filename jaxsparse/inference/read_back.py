"""Answers for candidates in three dimensions, read back to the pixels that show them."""

from __future__ import annotations

import numpy as np

from jaxsparse.data.links import Links
from jaxsparse.inference.grouping.seen import NOBODY


def scores_of_pixels(links: Links, scores: np.ndarray, pixels: int, ghost: int) -> np.ndarray:
    """Scores of the pixels of a view: what of its candidates is real, by class, as shares of all.

    A pixel is what its candidates say, each as loud as it is real: the scores of all classes but
    ghosts are added up and divided by their sum.

    Args:
      links: of the candidates to the pixels.
      scores: float ``[candidates, classes]``, probabilities.
      pixels: of the view.
      ghost: number of the class of ghosts, which is left out.

    Returns:
      float64 ``[pixels, classes - 1]``; all 0 for a pixel that no candidate shows.

    >>> links = Links.of([0, 1], rows=[2, 2], shares=[1, 1], pixels=2)
    >>> scores = np.array([[0.5, 0.25, 0.25], [0.0, 0.25, 0.75]])
    >>> scores_of_pixels(links, scores, 3, ghost=2)[2].tolist()
    [0.5, 0.5]
    """
    real = np.delete(scores, ghost, axis=1)[links.owner]
    sums = np.stack(
        [np.bincount(links.rows, column, minlength=pixels) for column in real.T], axis=1
    )
    total = sums.sum(1, keepdims=True)
    return np.divide(sums, total, out=np.zeros(sums.shape), where=total > 0)


def instances_of_pixels(
    links: Links, instance: np.ndarray, weight: np.ndarray, pixels: int
) -> np.ndarray:
    """The instance of every pixel: that of most weight among its candidates.

    Args:
      links: of the candidates to the pixels.
      instance: int ``[candidates]``, -1 for none.
      weight: float ``[candidates]``, not negative, such as the score of being real.
      pixels: of the view.

    Returns:
      int32 ``[pixels]``, the smallest number of equals; -1 where no candidate with an instance and
      a weight shows the pixel.

    >>> links = Links.of([0, 1, 2], rows=[0, 0, 0], shares=[1, 1, 1], pixels=3)
    >>> instances_of_pixels(links, np.array([4, 2, 2]), np.array([0.6, 0.4, 0.3]), 2).tolist()
    [2, -1]
    """
    owned = (instance[links.owner] >= 0) & (weight[links.owner] > 0)
    pixel, owner = links.rows[owned].astype(np.int64), links.owner[owned]
    most = int(instance.max(initial=0)) + 1
    pairs, member = np.unique(pixel * most + instance[owner], return_inverse=True)
    sums = np.bincount(member, weight[owner], minlength=len(pairs))
    pixel, number = np.divmod(pairs, most)
    order = np.lexsort((number, -sums, pixel))
    first = np.unique(pixel[order], return_index=True)[1]
    found = np.full(pixels, NOBODY, np.int32)
    found[pixel[order][first]] = number[order][first]
    return found
