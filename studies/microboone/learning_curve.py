"""Accuracy of SparseSSNet against the number of crops that it saw, beside the published points.

    python -m studies.microboone.learning_curve --batch=16 --out=docs/images/learning_curve.png \
        --log=docs/models/sparsessnet_y.first.metrics.jsonl \
        --log=docs/models/sparsessnet_y.metrics.jsonl

``--log`` is the ``metrics.jsonl`` of a work directory, ``--batch`` its ``train.batch_size``. A
second ``--log`` is of a training that began with the weights of the first; its crops are counted
on. The published points are the talk's (CTD 2020): 15,999 iterations of 64 crops, 0.97 of the
pixels right in training and 0.95 in inference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from absl import flags
from matplotlib.figure import Figure

from jaxsparse import command_line
from jaxsparse.viz.curves import COLOURS, read_metrics
from jaxsparse.viz.style import plain_axes, save

PUBLISHED = 15_999 * 64  # crops
IN_TRAINING, IN_INFERENCE = 0.97, 0.95  # of the published training


class Curve(NamedTuple):
    """Accuracy by crops.

    Attributes:
      crops: float64 ``[points]``, seen up to there.
      right: float64 ``[points]``, share of the pixels named right, from 0 to 1.
    """

    crops: np.ndarray
    right: np.ndarray


def main(_: list[str]) -> None:
    """Entry point of the command line."""
    values = flags.FLAGS
    curves = read_curves(values.log, values.batch)
    save(drawn(curves), values.out)
    for crops, right in zip(*curves["validation"], strict=True):
        print(f"{crops:,.0f} crops: {right:.4f} of the validation's pixels right")


def read_curves(paths: Sequence[str], batch: int) -> dict[str, Curve]:
    """The curves of trainings one after the other, ``"train"`` and ``"validation"``.

    Args:
      paths: of each training's ``metrics.jsonl``, in their order.
      batch: crops a step.

    Raises:
      InputError: a file cannot be read.
    """
    parts: dict[str, list[Curve]] = {}
    before = 0  # steps of the trainings until now
    for path in paths:
        metrics = read_metrics(path)
        for split, columns in metrics.items():
            crops = (before + columns["step"]) * batch
            parts.setdefault(split, []).append(Curve(crops, columns["accuracy"]))
        before += int(max((columns["step"].max() for columns in metrics.values()), default=0))
    return {
        split: Curve(*(np.concatenate(columns) for columns in zip(*curves, strict=True)))
        for split, curves in parts.items()
    }


def drawn(curves: dict[str, Curve]) -> Figure:
    """The picture: wrong pixels over crops, both logarithmic, so that a power law is a line."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    ax = figure.subplots()
    plain_axes(ax)
    train, validation = curves["train"], curves["validation"]
    ax.plot(train.crops, 1 - train.right, color=COLOURS["train"], lw=0.6, alpha=0.5, label="train")
    ax.plot(
        validation.crops, 1 - validation.right, "o-", color=COLOURS["validation"],
        label="validation, averaged weights",
    )  # fmt: skip
    for right, marker, label in (
        (IN_TRAINING, "v", "published, training"),
        (IN_INFERENCE, "^", "published, inference"),
    ):
        ax.plot(PUBLISHED, 1 - right, marker, color="#333333", ms=8, ls="none", label=label)
    ax.set(
        xscale="log", yscale="log", xlabel="crops seen", ylabel="wrong pixels, of all",
        xlim=(1e3, 1.5e6), ylim=(0.02, 1.0),
    )  # fmt: skip
    ax.set_yticks([0.02, 0.05, 0.1, 0.2, 0.5, 1.0])
    ax.yaxis.set_major_formatter("{x:g}")
    ax.minorticks_off()
    ax.legend(frameon=False)
    return figure


def define_flags() -> None:
    command_line.define_path(
        "log", None, "metrics.jsonl of the training; again: of one that went on", multiple=True
    )
    flags.DEFINE_integer("batch", None, "crops a step", lower_bound=1)
    command_line.define_path("out", None, "picture to write")
    flags.mark_flags_as_required(["log", "batch", "out"])


if __name__ == "__main__":
    define_flags()
    command_line.run(main)
