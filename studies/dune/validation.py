"""Simulated pixel maps beside the public ones: a table, and pictures.

    python -m studies.dune.validation --out=docs/images/dune \\
        --data=FILE --dune_cvn=FOLDER

``--data`` is a file of ``jaxsparse simulate --detector=dune``; without it 256 events
are made, which takes a minute on an idle core. ``--dune_cvn`` is the folder of the public events,
which the pictures need; without it there is the table only, whose public column is known.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from absl import flags
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure as Canvas

from jaxsparse import command_line
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.readers.dune_cvn import DuneCvnSource
from jaxsparse.data.schema import Event, View
from jaxsparse.detectors.dune import DUNE_EVENT_CLASSES
from jaxsparse.paths import make_folder
from studies.dune import figures as measure
from studies.figure import Figure, print_verdict

COLOURS = ("#2ca02c", "#1f77b4", "#9467bd", "#d62728")  # of the classes
SHOWN = 3  # events of a class in the picture


def main(_: list[str]) -> None:
    """Entry point of the command line."""
    values = flags.FLAGS
    out = make_folder(values.out, "out")
    matplotlib.rcParams.update({"font.size": 8})
    simulated: Sequence[Event]
    if values.data:
        file = EventFile(values.data)
        simulated = [file[index] for index in range(min(len(file), values.events))]
    else:
        simulated = measure.simulated(min(values.events, 256))
    sample = measure.images(simulated)
    (out / "figures.md").write_text("\n".join(table(sample.figures)) + "\n")
    if values.dune_cvn:
        source = DuneCvnSource(values.dune_cvn)
        public = [source[index] for index in range(len(source))]
        displays(public, simulated).savefig(out / "displays.png", dpi=100)
        histograms(public, simulated).savefig(out / "images.png", dpi=110)
    print_verdict([sample])


def table(rows: Sequence[Figure]) -> list[str]:
    """Markdown: a line a quantity, public and simulated for every class."""
    head = " | ".join(f"{name} public | here" for name in DUNE_EVENT_CLASSES)
    lines = [f"| | {head} |", "| --- |" + " --- |" * (2 * len(DUNE_EVENT_CLASSES))]
    for start in range(0, len(rows), len(DUNE_EVENT_CLASSES)):
        of_class = rows[start : start + len(DUNE_EVENT_CLASSES)]
        name = of_class[0].name.rpartition(", ")[0]
        cells = " | ".join(
            f"{row.reference:.3g} | {row.value:.3g}{'' if row.agrees else ' (!)'}"
            for row in of_class
        )
        lines.append(f"| {name} | {cells} |")
    return lines


def displays(public: Sequence[Event], simulated: Sequence[Event]) -> Canvas:
    """View Z of some events of every class: public ones on the left, simulated on the right."""
    canvas = Canvas(figsize=(15.0, 10.5), layout="constrained")
    axes = canvas.subplots(len(DUNE_EVENT_CLASSES), 2 * SHOWN)
    for label in range(len(DUNE_EVENT_CLASSES)):
        for side, events in enumerate((public, simulated)):
            own = [event for event in events if event.label == label]
            for column, event in enumerate(own[SHOWN : 2 * SHOWN]):
                axis = axes[label, side * SHOWN + column]
                _image(axis, event.views["Z"])
                said = ("public", "simulated")[side]
                axis.set_title(f"{said}: {event.topology}, {event.energy:.1f} GeV", fontsize=7)
                if column == 0:
                    axis.set_ylabel("tick")
                if label == len(DUNE_EVENT_CLASSES) - 1:
                    axis.set_xlabel("wire of Z")
    return canvas


def _image(axis: Axes, view: View) -> None:
    axis.scatter(
        view.coords[:, 1], view.coords[:, 0], c=view.values, s=1.2, marker="s", lw=0,
        cmap="viridis_r", norm=LogNorm(8, 255), rasterized=True,
    )  # fmt: skip
    axis.set(xlim=(0, view.shape[1]), ylim=(0, view.shape[0]))


def histograms(public: Sequence[Event], simulated: Sequence[Event]) -> Canvas:
    """Values, pixels and energies: public ones filled, simulated ones as lines."""
    canvas = Canvas(figsize=(9.0, 3.0), layout="constrained")
    both = [measure.images(events).curves for events in (public, simulated)]
    for axis, name, edges, label in zip(
        canvas.subplots(1, 3),
        ("values", "pixels", "energy"),
        (np.arange(0.5, 256.5, 3), np.geomspace(10, 15000, 25), np.geomspace(0.5, 60, 22)),
        ("value of a pixel", "pixels of Z", "energy of the neutrino (GeV)"),
        strict=True,
    ):
        for event_class, colour in zip(DUNE_EVENT_CLASSES, COLOURS, strict=True):
            filled, drawn = (curves[f"{event_class}_{name}"] for curves in both)
            shares = np.histogram(filled, edges)[0] / len(filled)
            axis.stairs(shares, edges, color=colour, fill=True, alpha=0.25)
            axis.stairs(np.histogram(drawn, edges)[0] / len(drawn), edges, color=colour)
            axis.plot([], [], color=colour, label=event_class)
        axis.set(xlabel=label, ylabel="share, public filled")
        axis.set_xscale("linear" if name == "values" else "log")
        axis.legend()
    return canvas


if __name__ == "__main__":
    command_line.define_path("out", "docs/images/dune", "Folder for the table and the pictures.")
    command_line.define_path("data", None, "Event file of simulated events.")
    command_line.define_path("dune_cvn", None, "Folder of the public events.")
    flags.DEFINE_integer("events", 2000, "How many simulated events to use.", lower_bound=8)
    command_line.run(main)
