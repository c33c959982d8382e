"""Settings of objectives: what the loss of a head can vary; a part of the table of settings."""

from __future__ import annotations

from jaxsparse.rules import (
    COUNT,
    NOT_NEGATIVE,
    POSITIVE,
    SHARE,
    Setting,
    number,
    one_of,
    rows,
    whole,
)

S = Setting

REDUCTION = one_of("sum", "mean")
_WEIGHT = {"weight": S(1.0, POSITIVE, "of this objective among all")}
_LOSS = {
    "loss": S("cross_entropy", one_of("cross_entropy", "generalized"),
              "generalized: for noisy labels"),
    **_WEIGHT,
    "q": S(0.7, number("lie in (0, 1]", lambda value: 0 < value <= 1),
           "of the generalized cross entropy"),
    "label_smoothing": S(0.0, SHARE, "of the cross entropy"),
    "class_weights": S((), rows("be a tuple of numbers that are not negative",
                                NOT_NEGATIVE.holds), "one a class; (): all 1"),
}  # fmt: skip

OBJECTIVES: dict[str, dict[str, Setting]] = {
    "objectives.edges": {
        **_WEIGHT,
        "reduction": S("mean", REDUCTION, "over the events of a batch"),
    },
    "objectives.embedding": {
        **_WEIGHT,
        "reduction": S("mean", REDUCTION, "over the events of a batch"),
        "most": S(64, COUNT, "particles of an event over all views that count, the largest"),
        "sample": S(32, COUNT, "pixels of a particle in a view that stand for all of them"),
        "seed_weight": S(1.0, NOT_NEGATIVE, "of how well a pixel stands for its particle"),
    },
    "objectives.event": {
        **_LOSS,
        "reduction": S("mean", REDUCTION, "over the events of a batch that have a class"),
    },
    "objectives.instance": {
        **_WEIGHT,
        "reduction": S("mean", REDUCTION, "over the events of a batch"),
        "pixel_weight": S(1.0, NOT_NEGATIVE, "of the cross entropy of pixels"),
        "dice_weight": S(1.0, NOT_NEGATIVE, "of 1 - dice of particles"),
        "used_weight": S(1.0, NOT_NEGATIVE, "of which queries are particles"),
        "class_weight": S(1.0, NOT_NEGATIVE, "of the cross entropy of particles' classes"),
    },
    "objectives.semantic": {
        **_LOSS,
        "reduction": S("sum", REDUCTION, "over pixels and events; mean: divided by the events"),
        "cluster_low": S(2e-4, NOT_NEGATIVE,
                         "a pixel weighs clip(cluster_scale / N, cluster_low, cluster_high)"),
        "cluster_high": S(2e-2, NOT_NEGATIVE, "see cluster_low"),
        "cluster_scale": S(1.0, POSITIVE, "see cluster_low"),
        "vertex_weight": S(2e-2, NOT_NEGATIVE, "of pixels within vertex_radius of a vertex"),
        "vertex_radius": S(3, whole(0), "pixels"),
    },
    "objectives.vertex": {
        **_WEIGHT,
        "reduction": S("mean", REDUCTION, "over the events of a batch"),
    },
}  # fmt: skip
