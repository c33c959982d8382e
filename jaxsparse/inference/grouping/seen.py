"""What a grouping sees of one event."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

NOBODY = -1  # a pixel of no instance, or of no class
# Probability of not being a ghost from which on a candidate counts for particles. Most candidates
# are ghosts, also beside a track: without the doubtful ones tracks fall into pieces, with them they
# are a little thicker (docs/panoptic_3d.md).
LEAST_REAL = 0.05


@dataclasses.dataclass(frozen=True)
class SeenView:
    """One view.

    Attributes:
      coords: integer ``[pixels, dim]``, each pixel once, in any order.
      scores: float ``[pixels, classes]``; a pixel whose scores are all 0 is of no class.
      values: float ``[pixels]``, charge; ``None`` unknown.
    """

    coords: np.ndarray
    scores: np.ndarray
    values: np.ndarray | None = None

    @property
    def called(self) -> np.ndarray:
        """int64 ``[pixels]``, the class of the highest score, the first of equals; -1 for none."""
        if not self.scores.size:
            return np.full(len(self.scores), NOBODY)
        return np.where(self.scores.any(1), self.scores.argmax(1), NOBODY)


def is_real(scores: np.ndarray, ghost: int) -> np.ndarray:
    """bool ``[candidates]``: which count for particles, by their scores of all other classes.

    Args:
      scores: float ``[candidates, classes]``, probabilities.
      ghost: number of the class of ghosts.

    >>> is_real(np.array([[0.1, 0.05, 0.85], [0.02, 0.0, 0.98], [0.0, 0.0, 0.0]]), ghost=2).tolist()
    [True, False, False]
    """
    whole = scores.sum(1)
    return whole - scores[:, ghost] > LEAST_REAL * whole


def of_real(scores: np.ndarray, ghost: int | None) -> np.ndarray:
    """Scores by which candidates are grouped: ghosts are of no class, others of none called ghost.

    Args:
      scores: float ``[candidates, classes]``, probabilities.
      ghost: number of the class of ghosts; ``None``: there is none, and nothing changes.

    >>> of_real(np.array([[0.1, 0.3, 0.6], [0.02, 0.0, 0.98]]), ghost=2).tolist()
    [[0.1, 0.3, 0.0], [0.0, 0.0, 0.0]]
    """
    if ghost is None:
        return scores
    left = np.where(is_real(scores, ghost)[:, None], scores, 0)
    left[:, ghost] = 0
    return left


@dataclasses.dataclass(frozen=True)
class Queries:
    """What a head ``instance`` says of one event: scores of queries that all its views share.

    Attributes:
      pixels: of every view float ``[pixels, queries]``: how much each pixel is of each query.
      used: float ``[queries]``, logits of being a particle of the event.
      classes: float ``[queries, classes]``, logits of the class.
    """

    pixels: tuple[np.ndarray, ...]
    used: np.ndarray
    classes: np.ndarray

    @classmethod
    def of(cls, output: Any, place: int, rows: Sequence[slice]) -> Queries:
        """Those of one event of a batch.

        Args:
          output: of the head, an ``InstanceScores`` of host arrays.
          place: of the event in the batch.
          rows: of its pixels in every view.
        """
        pixels = tuple(scores[own] for scores, own in zip(output.pixels, rows, strict=True))
        return cls(pixels, output.used[place], output.classes[place])


@dataclasses.dataclass(frozen=True)
class Edges:
    """What a head ``edges`` says of one view of one event: pairs of its pixels.

    Attributes:
      one, other: int64 ``[pairs]``, pixels.
      same: float ``[pairs]``, logits: whether both are of one particle.
    """

    one: np.ndarray
    other: np.ndarray
    same: np.ndarray

    @classmethod
    def of(cls, others: np.ndarray, same: np.ndarray, rows: slice) -> Edges:
        """Those of one event of a batch.

        Args:
          others, same: of the head, those of the view.
          rows: of the event's pixels in the view.
        """
        pixel, direction = np.nonzero(others[rows] < len(others))
        other = others[rows][pixel, direction].astype(np.int64) - rows.start
        return cls(pixel, other, same[rows][pixel, direction])


@dataclasses.dataclass(frozen=True)
class Embedding:
    """What a head ``embedding`` says of one view of one event.

    Attributes:
      vectors: float ``[pixels, channels]``, near each other for pixels of one particle; the first
        ``dim`` numbers are a place.
      stretches: float ``[pixels, dim * dim]``, of places, a matrix row by row.
      seeds: float ``[pixels]``, the higher the better the pixel stands for its particle.
    """

    vectors: np.ndarray
    stretches: np.ndarray
    seeds: np.ndarray

    @classmethod
    def of(
        cls, vectors: np.ndarray, stretches: np.ndarray, seeds: np.ndarray, rows: slice
    ) -> Embedding:
        """Those of one event of a batch.

        Args:
          vectors, stretches, seeds: of the head, those of the view.
          rows: of the event's pixels in the view.
        """
        return cls(vectors[rows], stretches[rows], seeds[rows])


@dataclasses.dataclass(frozen=True)
class SeenEvent:
    """All views of one event, and what heads say of its particles where there are such.

    Attributes:
      views: of the event.
      queries: of a head ``instance``.
      edges: one a view, of a head ``edges``.
      embeddings: one a view, of a head ``embedding``.
    """

    views: tuple[SeenView, ...]
    queries: Queries | None = None
    edges: tuple[Edges, ...] | None = None
    embeddings: tuple[Embedding, ...] | None = None

    @classmethod
    def of(
        cls,
        views: Sequence[SeenView],
        outputs: Mapping[str, Any],
        place: int,
        rows: Sequence[slice],
    ) -> SeenEvent:
        """One event of a batch.

        Args:
          views: its views.
          outputs: of all heads, by name.
          place: of the event in the batch.
          rows: of its pixels in every view.
        """
        queries = edges = embeddings = None
        if "instance" in outputs:
            queries = Queries.of(outputs["instance"], place, rows)
        if "edges" in outputs:
            said = outputs["edges"]
            edges = tuple(map(Edges.of, said.others, said.same, rows))
        if "embedding" in outputs:
            said = outputs["embedding"]
            embeddings = tuple(map(Embedding.of, said.vectors, said.stretches, said.seeds, rows))
        return cls(tuple(views), queries, edges, embeddings)
