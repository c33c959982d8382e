"""What a network that names candidates in three dimensions says of them, and of the views' pixels.

    python -m studies.volume --data=volume.h5 --predictions=out/predictions.h5 --out=out/views.h5

``--data`` is of ``jaxsparse candidates``, ``--predictions`` of ``jaxsparse eval`` on it. Prints how
many ghosts are rejected where a share of the real candidates is kept, how many pixels of the views
get an answer, how many of these are right, and, where particles were told apart, how well they are
in the views. ``--views_predictions=FILE[,FILE]``, of ``jaxsparse eval`` or ``predict`` on the views
(of ``--views_data``, what the candidates were made of), compares both on the same pixels, with the
errors of the differences. ``--out`` gets the answers for the views, as ``jaxsparse view
--predictions`` takes them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from absl import flags

from jaxsparse import command_line
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.schema import NO_CLASS, Event, View
from jaxsparse.detectors import ClassSet, class_set, find
from jaxsparse.detectors.class_set import GHOST
from jaxsparse.detectors.detector import CANDIDATES
from jaxsparse.errors import InputError
from jaxsparse.evaluation.grouped import told_columns
from jaxsparse.evaluation.heads.semantic import instance_metrics
from jaxsparse.evaluation.metrics.metric import Measured
from jaxsparse.evaluation.pixel_predictions import PixelPredictions
from jaxsparse.evaluation.scored import Scored
from jaxsparse.inference.grouping import NOBODY, SeenEvent, SeenView, is_real
from jaxsparse.inference.read_back import instances_of_pixels, scores_of_pixels
from jaxsparse.inference.stored_predictions import StoredPredictions, ViewScores
from jaxsparse.paths import user_path
from studies.against_views import AgainstViews

KEPT = (0.9, 0.95, 0.99)  # of the real candidates


def main(_: list[str]) -> None:
    """Entry point of the command line."""
    values = flags.FLAGS
    source, predictions = EventFile(values.data), StoredPredictions(values.predictions, values.data)
    if CANDIDATES not in source.view_shapes or source.class_names[-1] != GHOST:
        raise InputError(f"{source.path} has no candidates: make it by jaxsparse candidates")
    if not len(predictions.events):
        raise InputError(f"predictions is {values.predictions}: it has no event of {source.path}")
    views = tuple(name for name in source.view_shapes if name != CANDIDATES)
    classes = source.class_names[:-1]
    detector = find(source.detector, source.described)
    kinds = class_set(classes, detector.pixel_classes)
    least = detector.smallest_instance
    metrics = instance_metrics(kinds, least, several_views=True)
    measured, told = Measured(metrics), False
    others = [user_path(text, "views_predictions") for text in values.views_predictions]
    data = values.views_data or values.data
    against = AgainstViews(others, data, views, kinds, least) if others else None
    of_real: list[np.ndarray] = []  # scores of being real
    of_ghosts: list[np.ndarray] = []
    pixels = np.zeros(3, np.int64)
    with PixelPredictions(values.out, classes, {"views": list(views)}, instances=True) as writer:
        for number in predictions.events.tolist():
            event = source[number]
            candidates = event.views[CANDIDATES]
            said = predictions.of_view(number, CANDIDATES, event.event_id, candidates.coords)
            assert said is not None, "the event is predicted"
            ghost = np.asarray(candidates.labels)[said.rows] == len(classes)
            of_real.append(1 - said.scores[~ghost, -1])
            of_ghosts.append(1 - said.scores[ghost, -1])
            images = answers(event, said, views, kinds)
            whole = Scored.join(images)
            measured.update(whole)
            if against is not None:
                against.add(number, event, images)
            pixels += np.sum([counts(image) for image in images], axis=0)
            told |= said.instance is not None
            for place, image in enumerate(images):
                instance = image.columns["predicted_instance"]
                rows = np.arange(len(image))
                writer.append(number, event.event_id, place, rows, image.scores, instance)
            all_real = np.arange(len(whole))  # the file has every pixel
            writer.append_particles(number, {**whole.columns, "rows": all_real})
    print("\n".join(ghosts(np.concatenate(of_real), np.concatenate(of_ghosts))))
    known, answered, right = pixels.tolist()
    print(f"{known:,} pixels with a class, {answered / known:.3f} have an answer")
    print(f"{right / max(answered, 1):.3f} of the answers are right")
    if told:
        figures = measured.figures()
        print("\n".join(line for metric in metrics for line in metric.section(figures)))
    if against is not None:
        print("\n".join(against.lines(told)))


def answers(event: Event, said: ViewScores, views: Sequence[str], kinds: ClassSet) -> list[Scored]:
    """The pixels of the views, with what is said of the candidates that show them."""
    candidates = event.views[CANDIDATES]
    scores = np.zeros((len(candidates), len(kinds.names) + 1))
    scores[said.rows] = said.scores
    instance = np.full(len(candidates), NOBODY)
    if said.instance is not None:
        instance[said.rows] = said.instance
    weight = np.where(is_real(scores, len(kinds.names)), scores[:, :-1].sum(1), 0)
    pixels, numbers = [], []
    for name in views:
        links, size = candidates.links[name], len(event.views[name])
        pixels.append(scores_of_pixels(links, scores, size, len(kinds.names)))
        numbers.append(instances_of_pixels(links, instance, weight, size))
    seen = SeenEvent(
        tuple(
            SeenView(event.views[name].coords, own) for name, own in zip(views, pixels, strict=True)
        )
    )
    images = [
        _scored(event, place, event.views[name], kinds, own)
        for place, (name, own) in enumerate(zip(views, pixels, strict=True))
    ]
    told = told_columns(seen, numbers, images, kinds)
    return [image.with_columns(columns) for image, columns in zip(images, told, strict=True)]


def _scored(event: Event, place: int, view: View, kinds: ClassSet, scores: np.ndarray) -> Scored:
    none = np.full(len(view), NO_CLASS, np.int32)
    columns = {
        "view": np.full(len(view), place, np.int32),
        "instance": none if view.instance is None else view.instance,
        "overlap": none if view.overlap is None else view.overlap,
    }
    truth = none if view.labels is None else view.labels.astype(np.int32)
    return Scored(
        scores.astype(np.float32), truth, kinds.names, np.zeros(len(view)), columns,
        event.particles, event.event_id,
    )  # fmt: skip


def counts(image: Scored) -> np.ndarray:
    """int64 ``[3]``: pixels with a class, those of them with an answer, and right answers."""
    answered = image.known & image.scores.any(1)
    return np.array([image.known.sum(), answered.sum(), (answered & image.right).sum()])


def ghosts(real: np.ndarray, ghost: np.ndarray) -> list[str]:
    """Lines about scores of being real.

    Args:
      real, ghost: of real candidates and of ghosts.

    >>> ghosts(np.linspace(0, 1, 101), np.array([0.0, 0.2]))[1]
    'of 0.90 of the real ones kept: 0.5000 of the ghosts rejected, 0.989 of what is kept is real'
    """
    lines = [f"{len(real) + len(ghost):,} candidates, {len(real):,} of them real"]
    for kept in KEPT:
        cut = np.quantile(real, 1 - kept)
        left = int((ghost >= cut).sum())
        pure = (real >= cut).sum() / max((real >= cut).sum() + left, 1)
        lines.append(
            f"of {kept:.2f} of the real ones kept: {1 - left / max(len(ghost), 1):.4f} of the "
            f"ghosts rejected, {pure:.3f} of what is kept is real"
        )
    return lines


def define_flags() -> None:
    command_line.define_path("data", None, "event file with candidates")
    command_line.define_path("predictions", None, "predictions.h5 of it")
    flags.DEFINE_list(
        "views_predictions", [], "predictions.h5 of networks of the views, one or several, to "
        "compare with",
    )  # fmt: skip
    command_line.define_path("views_data", None, "event file that they are of, if not of --data")
    command_line.define_path("out", None, "scores of the views' pixels to write")
    flags.mark_flags_as_required(["data", "predictions", "out"])


if __name__ == "__main__":
    define_flags()
    command_line.run(main)
