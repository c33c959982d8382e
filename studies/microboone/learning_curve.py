"""Accuracy of SparseSSNet against the number of crops that it saw, beside the published points.

    python -m studies.microboone.learning_curve --log=docs/models/sparsessnet_y.metrics.jsonl \
        --batch=16 --out=docs/images/learning_curve.png

``--log`` is the ``metrics.jsonl`` of a work directory, ``--batch`` its ``train.batch_size``. The
published points are the talk's (CTD 2020): 15,999 iterations of 64 crops, 0.97 of the pixels right
in training and 0.95 in inference.
"""

from __future__ import annotations

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


def read_curves(path: str, batch: int) -> dict[str, Curve]:
    """The curves of a training, ``"train"`` and ``"validation"``.

    Args:
      path: of ``metrics.jsonl``.
      batch: crops a step.

    Raises:
      InputError: the file cannot be read.
    """
    return {
        split: Curve(columns["step"] * batch, columns["accuracy"])
        for split, columns in read_metrics(path).items()
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
    command_line.define_path("log", None, "metrics.jsonl of the training")
    flags.DEFINE_integer("batch", None, "crops a step", lower_bound=1)
    command_line.define_path("out", None, "picture to write")
    flags.mark_flags_as_required(["log", "batch", "out"])


if __name__ == "__main__":
    define_flags()
    command_line.run(main)
