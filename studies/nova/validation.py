"""Plots and a table of the scintillator simulation against what is known.

    python -m studies.nova.validation --out=docs/images/nova

writes the plots and ``figures.md``, in about a minute on an idle core.
"""

from __future__ import annotations

import pathlib

import matplotlib
import numpy as np
from absl import flags
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Patch

from jaxsparse import command_line
from jaxsparse.data.schema import Event, View
from jaxsparse.detectors.nova import (
    NOVA_AXES,
    NOVA_EVENT_CLASSES,
    NOVA_PIXEL_CLASSES,
    NOVA_VALUE_UNIT,
)
from jaxsparse.paths import make_folder
from jaxsparse.simulate.nova.detector import NOVA_FAR
from jaxsparse.simulate.nova.generator import ScintillatorConfig
from jaxsparse.simulate.nova.source import ScintillatorEvents
from studies.figure import Sample, figure_table, print_verdict
from studies.nova import figures as measure

SIZES = {"muons": 200, "protons": 200, "showers": 150, "light": 150}
EVENTS = 1024
PIXEL_COLOURS = (
    "#2ca02c", "#1f77b4", "#d62728", "#8c564b", "#9467bd", "#e377c2", "#bcbd22", "#ff7f0e",
    "#17becf", "#aec7e8", "#7f7f7f",
)  # fmt: skip
ENERGY_COLOURS, ENERGY_SCALE = "viridis_r", LogNorm(1, 255)
LEAST_SHOWN = (25, 40)  # planes, cells: a short event is not blown up to fill its panel
CLASS_COLOURS = dict(
    zip(NOVA_EVENT_CLASSES, ("#1f77b4", "#2ca02c", "#9467bd", "#d62728", "#7f7f7f"), strict=True)
)
NAMES = {"numu": "νμ CC", "nue": "νe CC", "nutau": "ντ CC", "nc": "NC", "cosmic": "cosmic"}


def main(_: list[str]) -> None:
    """Entry point of the command line."""
    values = flags.FLAGS
    out = make_folder(values.out, "out")
    matplotlib.rcParams.update({"font.size": 8})
    samples = {
        name: getattr(measure, name)(max(int(number * values.scale), 20))
        for name, number in SIZES.items()
    }
    number = max(int(EVENTS * values.scale), 64)
    for spectrum in ("oscillated", "swapped"):
        chosen = measure.events(number, spectrum=spectrum)
        samples[spectrum] = measure.pixels(chosen, spectrum)
    write_table(samples, out)
    for name, draw in (("transport", _transport), ("light", _light), ("sample", _sample)):
        canvas = Canvas(figsize=(9.0, 3.0), layout="constrained")
        draw(canvas, samples)
        canvas.savefig(out / f"{name}.png", dpi=110)
    displays(values.seed).savefig(out / "displays.png", dpi=100)
    print_verdict(samples.values())


def write_table(samples: dict[str, Sample], out: pathlib.Path) -> None:
    """Writes ``figures.md``: every figure beside its reference, and hits by class."""
    lines = figure_table(samples.values())
    lines += ["", "| hits of both views, percentiles | 5 | 25 | 50 | 75 | 95 |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for spectrum in ("oscillated", "swapped"):
        for name in NOVA_EVENT_CLASSES:
            if name in samples[spectrum].curves:
                ranks = np.percentile(samples[spectrum].curves[name], [5, 25, 50, 75, 95])
                cells = " | ".join(f"{rank:.0f}" for rank in ranks)
                lines.append(f"| {NAMES[name]}, {spectrum} | {cells} |")
    (out / "figures.md").write_text("\n".join(lines) + "\n")


def displays(seed: int) -> Canvas:
    """Two events of every class, both views: energy on top, truth below, one colour scale each."""
    canvas = Canvas(figsize=(13.0, 19.0), layout="constrained")
    axes = canvas.subplots(len(NOVA_EVENT_CLASSES) * 2, 4)
    for row, name in enumerate(NOVA_EVENT_CLASSES):
        config = ScintillatorConfig(classes=((name, 1.0),), least_hits=30)
        block = ScintillatorEvents(config, seed=seed).block(0)
        for column, event in enumerate(block[:2]):
            cells = axes[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            _draw(cells, event, NAMES[name])
    canvas.colorbar(
        ScalarMappable(ENERGY_SCALE, ENERGY_COLOURS), ax=axes[::2], label=NOVA_VALUE_UNIT,
        location="top", shrink=0.4, aspect=45, pad=0.01,
    )  # fmt: skip
    never = ("mostly EM", "mostly muon")  # no class of the simulation's
    handles = [
        Patch(color=colour, label=text)
        for text, colour in zip(NOVA_PIXEL_CLASSES, PIXEL_COLOURS, strict=True)
        if text not in never
    ]
    canvas.legend(handles=handles, ncols=9, loc="outside lower center", fontsize=8)
    return canvas


def _draw(cells: np.ndarray, event: Event, name: str) -> None:
    for column, (view_name, view) in enumerate(event.views.items()):
        energy, truth = cells[:, column]
        _image(energy, view, view.values, cmap=ENERGY_COLOURS, norm=ENERGY_SCALE)
        colours = ListedColormap(("#cccccc", *PIXEL_COLOURS))
        assert view.labels is not None, "simulated events have truth"
        limits = {"vmin": -1.5, "vmax": len(PIXEL_COLOURS) - 0.5}
        _image(truth, view, view.labels, cmap=colours, **limits)
        said = "" if np.isnan(event.energy) else f", {event.topology}, {event.energy:.1f} GeV"
        energy.set_title(f"{name}{said}: {view_name}" if column == 0 else view_name)
        for axis in (energy, truth):
            axis.set(xlabel=f"{NOVA_AXES[0]} of the view", ylabel=NOVA_AXES[1])


def _image(axis: Axes, view: View, values: np.ndarray, **style) -> None:
    image = np.full(view.shape, np.nan)
    image[tuple(view.coords.T)] = values
    axis.imshow(
        image.T, origin="lower", aspect="auto", interpolation="nearest", extent=(0, 100, 0, 80),
        **style,
    )  # fmt: skip
    along, across = (
        _limits(column, least, size)
        for column, least, size in zip(view.coords.T, LEAST_SHOWN, view.shape, strict=True)
    )
    axis.set(xlim=along, ylim=across)


def _limits(places: np.ndarray, least: int, size: int) -> tuple[int, int]:
    """What to show of an axis: all places with a margin, no less than ``least`` of it."""
    low, high = int(places.min()) - 3, int(places.max()) + 4
    low -= max(least - (high - low), 0) // 2
    low = min(max(low, 0), size - least)
    return low, min(max(high, low + least), size)


def _transport(canvas: Canvas, samples: dict[str, Sample]) -> None:
    left, middle, right = canvas.subplots(1, 3)
    edges = np.geomspace(0.1, 300.0, 31)
    centre = np.sqrt(edges[1:] * edges[:-1])
    for name, label, colour in (
        ("muons", "muon, 2 GeV", PIXEL_COLOURS[1]),
        ("protons", "proton, 200 MeV", PIXEL_COLOURS[2]),
    ):
        curves = samples[name].curves
        which = np.digitize(curves["residual"], edges) - 1
        points = [
            np.mean(curves["loss"][which == i]) if np.any(which == i) else np.nan
            for i in range(len(centre))
        ]
        left.loglog(centre, points, ".", color=colour, label=label)
    left.set(xlabel="residual range (cm)", ylabel="restricted dE/dx (MeV/cm)")
    left.legend()
    curves = samples["showers"].curves
    depth = np.linspace(0.0, 14.0, 43)
    for name, colour in (("electron", PIXEL_COLOURS[0]), ("photon", PIXEL_COLOURS[6])):
        energy = np.histogram(curves[f"{name}_depth"], depth, weights=curves[f"{name}_energy"])[0]
        middle.stairs(energy / np.diff(depth), depth, color=colour, label=f"1 GeV {name}")
    t = np.linspace(0.01, 14.0, 300)
    shape = 1.0 + 0.5 * (np.log(1000.0 / NOVA_FAR.medium.critical_energy) - 0.5)
    profile = t ** (shape - 1.0) * np.exp(-0.5 * t)
    profile *= 1000.0 / (profile.sum() * (t[1] - t[0]))
    middle.plot(t, profile, "k:", lw=0.8, label="gamma, b = 0.5")
    middle.set(xlabel=f"depth (X0 = {NOVA_FAR.medium.radiation_length:.1f} cm)")
    middle.set_ylabel("MeV per X0")
    middle.legend()
    right.plot(curves["radius"], curves["share"], color=PIXEL_COLOURS[0])
    right.axvline(measure.MOLIERE_RADIUS, color="k", lw=0.8, label="Moliere radius, published")
    right.axhline(0.9, color="k", lw=0.8, ls=":")
    right.set(xlabel="distance from the axis (cm)", ylabel="share of energy", xlim=(0, 40))
    right.legend(loc="lower right")


def _light(canvas: Canvas, samples: dict[str, Sample]) -> None:
    left, middle, right = canvas.subplots(1, 3)
    curves = samples["light"].curves
    distance = np.linspace(0.0, NOVA_FAR.length, 200)
    per_mev = NOVA_FAR.photo_electrons_per_mev * float(NOVA_FAR.quenching(np.array(1.62)))
    expected = np.median(curves["energies"]) * per_mev * NOVA_FAR.fibre_share(distance)
    left.plot(distance / 100, expected, "k", lw=0.8, label="two exponentials, both ways")
    left.plot(curves["distances"] / 100, curves["signals"], "o", ms=3, label="muons, median cell")
    left.axhline(NOVA_FAR.threshold, color="k", ls=":", lw=0.8, label="threshold")
    left.set(xlabel="distance from the readout (m)", ylabel="photo-electrons")
    left.set(yscale="log", ylim=(8, 400))
    left.legend()
    middle.plot(curves["distances"] / 100, curves["energies"], "o", ms=3)
    middle.set(xlabel="distance from the readout (m)", ylabel="calibrated median (MeV)")
    middle.set_ylim(0, 14)
    counts = right.hist(curves["centre"], np.arange(0.0, 25.0, 0.5), histtype="step")[0]
    right.set_ylim(0, 1.25 * counts.max())
    probable = measure.most_probable_loss(1400.0)
    right.axvline(probable, color="k", lw=0.8, label=f"most probable loss {probable:.1f} MeV")
    right.set(xlabel="calibrated energy of a cell (MeV), 7 m away", ylabel="cells")
    right.legend()


def _sample(canvas: Canvas, samples: dict[str, Sample]) -> None:
    left, middle, right = canvas.subplots(1, 3)
    for spectrum in ("oscillated", "swapped"):
        values = samples[spectrum].curves["values"]
        text = f"{spectrum}: {values.mean():.2f} ± {values.std():.2f}"
        left.hist(values, np.arange(0.5, 256.5, 2), histtype="step", density=True, label=text)
    left.plot([], [], " ", label="published: 14.57 ± 16.27")
    left.set(xlabel="byte of a non-zero pixel", ylabel="share per byte", yscale="log")
    left.legend()
    curves = samples["oscillated"].curves
    for name in NOVA_EVENT_CLASSES:
        if name in curves:
            style = {"histtype": "step", "density": True, "color": CLASS_COLOURS[name]}
            middle.hist(curves[name], np.arange(0, 420, 15), label=NAMES[name], **style)
    middle.set(xlabel="pixels of both views", ylabel="events (unit area)")
    middle.legend()
    for name in ("numu", "nue", "nc"):
        own = curves["labels"] == NOVA_EVENT_CLASSES.index(name)
        right.hist(
            curves["energy"][own], np.linspace(0, 12, 37), histtype="step",
            color=CLASS_COLOURS[name], label=NAMES[name],
        )  # fmt: skip
    right.set(xlabel="neutrino energy (GeV), oscillated", ylabel="events")
    right.legend()


if __name__ == "__main__":
    command_line.define_path("out", "docs/images/nova", "Folder for the plots and the table.")
    flags.DEFINE_float("scale", 1.0, "Size of the samples; 1 takes about a minute.")
    command_line.define_seed(1, "Another seed draws other events.")
    command_line.run(main)
