"""What a network calls the pixels of real ProtoDUNE-HD data, which have no truth.

    python -m studies.protodune.detector_data --model=WORKDIR --data=FRAMES.tar.bz2 --out=DIR

reads plane W of Wire-Cell archives, on the side that sees the drift volume, multiplies the charge
with every ``--scales``, and writes ``detector_data.md`` and ``detector_data.json`` (the share of
each class, and the charge of the pixels called MIP) and pictures. A network of MicroBooNE's plane Y
works too: it reads the electrons divided by 530.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags

import jaxsparse
from jaxsparse import command_line
from jaxsparse.data.readers.wire_cell import WireCellSource
from jaxsparse.data.schema import Event, View
from jaxsparse.deploy.model import Model
from jaxsparse.detectors.microboone import CLASS_NAMES, MICROBOONE, MIP
from jaxsparse.detectors.protodune import MIP_SCALE, PROTODUNE, PROTODUNE_WIRES
from jaxsparse.errors import InputError
from jaxsparse.evaluation.text import dumps
from jaxsparse.paths import make_folder
from jaxsparse.viz.canvas import densest_window
from jaxsparse.viz.events import event_figure
from jaxsparse.viz.picture import Picture
from jaxsparse.viz.style import save
from studies.microboone.class_counts import checked

PLANE = "W"
WIRES_IN_FRONT = PROTODUNE_WIRES[PLANE] // 2  # the others look to the far side
QUARTILES = (0.25, 0.5, 0.75)
ZOOM = 288


def main(_: list[str]) -> None:
    """Entry point of the command line."""
    values = flags.FLAGS
    out = make_folder(values.out, "out")
    scales = {text: _number(text) for text in values.scales}
    model = checked(jaxsparse.load(values.model, values.checkpoint))
    source = WireCellSource([str(values.data)])
    views = [in_front(source[number]) for number in range(len(source))]
    found = under_scales(model, views, scales)
    document = {"model": str(values.model), "images": len(views), "scales": found}
    (out / "detector_data.json").write_text(dumps(document))
    lines = table(found)
    (out / "detector_data.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    for number, view in enumerate(views):
        draw(model, view, out, number)


def under_scales(
    model: Model, views: list[View], scales: dict[str, float]
) -> dict[str, dict[str, Any]]:
    """The figures when the electrons are multiplied with every scale, by its name."""
    unit = electrons_a_unit(model)
    found = {}
    for name, scale in scales.items():
        classes = [called(model, scaled(view, scale / unit)) for view in views]
        found[name] = figures(views, classes, scale)
    return found


def electrons_a_unit(model: Model) -> float:
    """What the electrons are divided by for a network.

    Raises:
      InputError: a network of several views, or of one that is neither W nor MicroBooNE's Y.
    """
    units = {(PLANE,): 1.0, ("Y",): MIP_SCALE}
    if model.views not in units:
        raise InputError(
            f"model sees {', '.join(model.views)}: this study needs a network of the view W, or "
            "one of MicroBooNE's plane Y"
        )
    return units[model.views]


def in_front(event: Event) -> View:
    """Plane W without the wires that look to the far side."""
    view = event.views[PLANE]
    return view.take(view.coords[:, 1] < WIRES_IN_FRONT)


def scaled(view: View, factor: float) -> View:
    """The view with other values."""
    return dataclasses.replace(view, values=(view.values * factor).astype(np.float32))


def called(model: Model, view: View) -> np.ndarray:
    """Class of every pixel, int8, -1 outside of the network's mask."""
    scores = model({model.views[0]: (view.coords, view.values, view.shape)})
    return scores.pixel_classes[model.views[0]]


def figures(views: list[View], classes: list[np.ndarray], scale: float) -> dict[str, Any]:
    """Shares of the classes among the pixels in the mask, and the charge of those called MIP.

    Args:
      views: as the detector gave them, in electrons.
      classes: of their pixels.
      scale: of the electrons; charges are what the network read.
    """
    electrons = np.concatenate([view.values for view in views]) * scale
    own = np.concatenate(classes)
    counts = np.bincount(own[own >= 0], minlength=len(CLASS_NAMES))
    charge = np.quantile(electrons[own == MIP], QUARTILES) if counts[MIP] else [np.nan] * 3
    return {
        "pixels": int(counts.sum()),
        "shares": dict(zip(CLASS_NAMES, (counts / max(counts.sum(), 1)).tolist(), strict=True)),
        "MIP_electrons": dict(zip(map(str, QUARTILES), map(float, charge), strict=True)),
    }


def table(found: dict[str, dict[str, Any]]) -> list[str]:
    """The figures as lines of Markdown."""
    head = ["scale", "pixels", *CLASS_NAMES, "charge of MIP, quartiles [k electrons]"]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for scale, row in found.items():
        shares = [f"{100 * share:.1f} %" for share in row["shares"].values()]
        charge = ", ".join(f"{value / 1e3:.1f}" for value in row["MIP_electrons"].values())
        lines.append(f"| {' | '.join([scale, str(row['pixels']), *shares, charge])} |")
    return lines


def draw(model: Model, view: View, out: Path, number: int) -> None:
    """The image and its densest part, with what the network calls the pixels that it sees."""
    read = scaled(view, 1.0 / electrons_a_unit(model))
    scores = model({model.views[0]: (read.coords, read.values, read.shape)})
    seen = ~np.isnan(scores.pixels[model.views[0]][:, 0])
    detector = PROTODUNE.view(PLANE, 2)
    picture = Picture(
        view=dataclasses.replace(view.take(seen), shape=(view.shape[0], WIRES_IN_FRONT)),
        scores=scores.pixels[model.views[0]][seen], classes=CLASS_NAMES,
        colours=MICROBOONE.pixel_classes.colours, axes=detector.axes, unit=detector.unit,
        title=f"ProtoDUNE-HD data, plane W, readout {number}",
    )  # fmt: skip
    save(event_figure(picture), out / f"readout_{number}.png")
    window = densest_window(picture.view.coords, picture.view.shape, ZOOM)
    save(event_figure(picture, window=window), out / f"readout_{number}_zoom.png")


def _number(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = np.nan
    if not 0 < scale < np.inf:
        raise InputError(f"scales has {text!r}: it must hold positive numbers, as in 0.8,1,1.25")
    return scale


def _define_flags() -> None:
    command_line.define_model()
    command_line.define_path("data", None, "Wire-Cell archive, or a folder of them")
    command_line.define_path("out", None, "folder for tables and pictures")
    flags.DEFINE_list("scales", ["0.8", "1", "1.25"], "factors on the electrons")
    flags.mark_flags_as_required(["data", "out"])


if __name__ == "__main__":
    _define_flags()
    command_line.run(main)
