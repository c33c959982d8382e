"""Pictures of the detector response for ``docs/detector.md``.

    python -m studies.microboone.pictures --out=docs/images/detector [--edep_sim=FILE]

draws a simulated event on all planes, the response to a muon, and, given an edep-sim file, a Geant4
muon that ends in a Michel electron, and prints a table of Geant4 muons beside simulated ones.
"""

from __future__ import annotations

import dataclasses

import matplotlib
import numpy as np
from absl import flags
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from jaxsparse import command_line
from jaxsparse.data.deposits import Deposits
from jaxsparse.data.readers.edep_sim import EdepSimFile
from jaxsparse.data.schema import Event, View
from jaxsparse.data.summary import ViewSummary
from jaxsparse.data.transforms import mask, on_view
from jaxsparse.detectors.microboone import CLASS_COLOURS, CLASS_NAMES, MASK, MICHEL
from jaxsparse.paths import make_folder
from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
from jaxsparse.simulate.microboone.placed_events import PlacedEvents
from jaxsparse.simulate.microboone.placement import place
from jaxsparse.simulate.transport.generator import GeneratorConfig
from jaxsparse.simulate.wire_chamber.response import detector_response
from jaxsparse.simulate.wire_chamber.source import SimulatedEvents
from studies.microboone.single import single

COLOURS = ListedColormap(("#bbbbbb", *CLASS_COLOURS))  # first: no class


def main(_: list[str]) -> None:
    """Entry point of the command line."""
    values = flags.FLAGS
    out = make_folder(values.out, "out")
    matplotlib.rcParams.update({"font.size": 8})
    planes(
        SimulatedEvents(GeneratorConfig(), MICROBOONE_CHAMBER, seed=values.seed)[values.event]
    ).savefig(out / "planes.png", dpi=110)
    response().savefig(out / "response.png", dpi=110)
    if values.edep_sim:
        source = PlacedEvents(
            EdepSimFile(values.edep_sim), placements=4, views=("U", "Y", "voxels")
        )
        michel(source).savefig(out / "geant4_michel.png", dpi=110)
        print(geant4_table(source), end="")


def planes(event: Event) -> Figure:
    """Whole planes of an event: charge on the left, truth on the right."""
    figure = Figure(figsize=(9.0, 2.4 * len(event.views)), layout="constrained")
    axes = figure.subplots(len(event.views), 2, squeeze=False)
    for row, (name, whole) in enumerate(event.views.items()):
        view = on_view(whole, mask, *MASK)
        assert view.labels is not None, "simulated events have truth"
        shades = np.minimum(view.values, 120)
        for axis, colours in zip(axes[row], (shades, view.labels), strict=True):
            truth = colours is view.labels
            limits = (-1.5, 4.5) if truth else (0, 120)
            axis.scatter(
                view.coords[:, 1], view.coords[:, 0], c=colours, s=0.6, marker="s", lw=0,
                cmap=COLOURS if truth else "viridis_r", vmin=limits[0], vmax=limits[1],
                rasterized=True,
            )  # fmt: skip
            axis.set(xlim=(0, view.shape[1]), ylim=(0, view.shape[0]), xlabel=f"wire of {name}")
        axes[row, 0].set_ylabel("time row (3 us)")
    _legend(axes[0, 1])
    return figure


def response() -> Figure:
    """What a muon across the wires gives: peak against drift, pulse, width across the wires."""
    figure = Figure(figsize=(9.0, 2.8), layout="constrained")
    peak_axis, row_axis, wire_axis = figure.subplots(1, 3)
    drift = np.array([5.0, 50.0, 100.0, 150.0, 200.0, 250.0])
    within_a_row = (
        np.arange(8) / 8 * MICROBOONE_CHAMBER.row_time * MICROBOONE_CHAMBER.drift_velocity
    )
    for name, colour in (("Y", "C0"), ("U", "C1")):
        peaks = [np.mean([_peak(x + shift, name) for shift in within_a_row]) for x in drift]
        peak_axis.plot(drift, peaks, "o-", color=colour, label=f"plane {name}")
    peak_axis.axhspan(40, 60, color="k", alpha=0.1, label="MIP in published images")
    peak_axis.set(
        xlabel="drift distance (cm)", ylabel="mean peak of 2.1 MeV/cm (ADC)", ylim=(0, 80)
    )
    peak_axis.legend()
    for x, style in ((5.0, "-"), (250.0, "--")):
        view = _quiet_point(x)
        for axis, column in ((row_axis, 0), (wire_axis, 1)):
            bins, row = np.unique(view.coords[:, column], return_inverse=True)
            profile = np.bincount(row, view.values) / view.values.sum()
            axis.plot(bins - bins[profile.argmax()], profile, "o" + style, label=f"drift {x:g} cm")
    row_axis.set(xlabel="time rows from the peak", ylabel="share of a point charge, plane Y")
    wire_axis.set(xlabel="wires from the peak")
    row_axis.legend()
    return figure


def michel(source: PlacedEvents) -> Figure:
    """The end of the first Geant4 muon with a Michel electron, plane Y."""
    for index in range(len(source)):
        view = on_view(source[index].views["Y"], mask, *MASK)
        found = view.coords[view.labels == MICHEL]
        if len(found) > 30:
            break
    row, wire = np.median(found, axis=0).astype(int)
    window = (slice(max(row - 45, 0), row + 45), slice(max(wire - 130, 0), wire + 60))
    figure = Figure(figsize=(9.0, 2.8), layout="constrained")
    for axis, values, truth in zip(
        figure.subplots(1, 2), (view.values, view.labels), (False, True), strict=True
    ):
        image = np.full(view.shape, np.nan)
        image[tuple(view.coords.T)] = values
        axis.imshow(
            image[window], origin="lower", aspect="auto", interpolation="nearest",
            extent=(window[1].start, window[1].stop, window[0].start, window[0].stop),
            cmap=COLOURS if truth else "viridis_r", vmin=-1.5 if truth else 0,
            vmax=4.5 if truth else 120,
        )  # fmt: skip
        axis.set(xlabel="wire of Y", ylabel="time row")
    _legend(axis)
    return figure


def geant4_table(source: PlacedEvents, seed: int = 8) -> str:
    """Geant4 muons beside simulated ones of the same energies, placed and read out alike."""
    summaries = []
    energies = [
        float(source.deposits[i][1]["kinetic_energy"][0]) for i in range(len(source.deposits))
    ]
    rng = np.random.default_rng(seed)
    repeated = np.repeat(energies, source.placements)
    simulated = (single(13, energy, rng) for energy in repeated)
    for events in (
        (source[index] for index in range(len(source))),
        (
            detector_response(
                *place(*event, source.chamber, rng), source.chamber, rng,
                views=source.views, dead_wires=source.dead,
            )
            for event in simulated
        ),
    ):  # fmt: skip
        sums = {
            name: ViewSummary(
                shape, len(CLASS_NAMES), *(MASK if len(shape) == 2 else (0.0, np.inf))
            )
            for name, shape in source.view_shapes.items()
        }
        for event in events:
            for name, view in event.views.items():
                sums[name].add(view)
        summaries.append(sums)
    lines = ["| figure | view | Geant4 | simulated |", "| --- | --- | --- | --- |"]
    for name in source.views:
        both = [_figures(sums[name]) for sums in summaries]
        lines += [f"| {key} | {name} | {both[0][key]} | {both[1][key]} |" for key in both[0]]
    return "\n".join(lines) + "\n"


def _figures(summary: ViewSummary) -> dict[str, str]:
    assert summary.classes is not None, "both samples have truth"
    shares = 100 * summary.classes[1:] / summary.classes[1:].sum()
    weights = [count for count in summary.sites if count]
    neighbours = np.average(np.array(summary.neighbours), weights=weights)
    return {
        "sites an event": f"{np.mean(summary.sites):.0f}",
        "active neighbours": f"{neighbours:.2f}",
        "sites per level": " / ".join(f"{n / summary.levels[0]:.3f}" for n in summary.levels),
        **{f"{c} (%)": f"{s:.2f}" for c, s in zip(CLASS_NAMES, shares, strict=True)},
        "two instances or more (%)": f"{100 * summary.overlap / summary.total:.1f}",
    }


def _peak(x: float, name: str) -> float:
    """Median ADC at the peaks of wires that a muon crosses at a constant drift distance."""
    steps = np.arange(101)[:, None] * 0.3
    angle = np.radians(MICROBOONE_CHAMBER.plane(name).angle)
    edges = (x, 0.0, 300.0) + steps * np.array([0.0, np.sin(angle), np.cos(angle)])
    one = np.ones(100)
    track = Deposits(
        edges[:-1], edges[1:], 2.1 * 0.3 * one, 0.3 * one, 0 * one, np.zeros(100, np.int32)
    )
    particles = single(13, 50.0, np.random.default_rng(1), (x, 0.0, 300.0))[1]
    rng = np.random.default_rng(0)
    view = detector_response(track, particles, MICROBOONE_CHAMBER, rng, views=[name]).views[name]
    peaks = np.zeros(MICROBOONE_CHAMBER.plane(name).wires)
    np.maximum.at(peaks, view.coords[:, 1], view.values)
    return float(np.median(peaks[peaks > 15]))


def _quiet_point(x: float) -> View:
    """A point charge in the middle of a wire, without noise and threshold."""
    plane = dataclasses.replace(MICROBOONE_CHAMBER.plane("Y"), noise=1e-9, saturation=np.inf)
    detector = dataclasses.replace(MICROBOONE_CHAMBER, planes=(plane,), signal_floor=1e-6)
    particles = single(13, 50.0, np.random.default_rng(1), (x, 0.0, 300.15))[1]
    spot = np.array([[x, 0.0, 300.15]])
    one = np.ones(1)
    point = Deposits(spot, spot, 100 * one, 0 * one, 0 * one, np.zeros(1, np.int32))
    rng = np.random.default_rng(0)
    return detector_response(point, particles, detector, rng, views=["Y"]).views["Y"]


def _legend(axis: Axes) -> None:
    handles = [
        Patch(color=colour, label=name)
        for name, colour in zip(CLASS_NAMES, CLASS_COLOURS, strict=True)
    ]
    axis.legend(handles=handles, fontsize=6, loc="upper right")


if __name__ == "__main__":
    command_line.define_path("out", "docs/images/detector", "folder for the pictures")
    command_line.define_path("edep_sim", None, "edep-sim HDF5 file of muons")
    command_line.define_seed(0, "of the event on all planes")
    flags.DEFINE_integer("event", 3, "its number", lower_bound=0)
    command_line.run(main)
