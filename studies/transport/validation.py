"""Plots and a table of the simulation against what is known of liquid argon.

    python -m studies.transport.validation --out=docs/images/simulation

writes the plots, ``figures.json`` and ``figures.md``, in about a minute.
"""

from __future__ import annotations

import json
import pathlib

import matplotlib
import numpy as np
from absl import flags
from matplotlib.figure import Figure as Canvas

from jaxsparse import command_line
from jaxsparse.detectors.microboone import CLASS_COLOURS, CLASS_NAMES
from jaxsparse.paths import make_folder
from jaxsparse.simulate.transport.medium import LIQUID_ARGON
from studies.figure import Sample, figure_table, print_verdict
from studies.microboone import image_figures
from studies.transport import figures as measure

SIZES = {"muons": 400, "ranges": 200, "stopping_muons": 2000, "showers": 400, "cosmic_muons": 500}
IMAGES = 150


def main(_: list[str]) -> None:
    """Entry point of the command line."""
    values = flags.FLAGS
    out = make_folder(values.out, "out")
    samples = {}
    for name, number in SIZES.items():
        samples[name] = getattr(measure, name)(max(int(number * values.scale), 20))
        print(f"{name}: done")
    samples["images"] = image_figures.images(max(int(IMAGES * values.scale), 5), voxels=True)
    write_plots(samples, out)
    write_tables(samples, out)
    print_verdict(samples.values())


def write_tables(samples: dict[str, Sample], out: pathlib.Path) -> None:
    """Writes ``figures.json`` and ``figures.md``: every figure beside its reference."""
    rows = [figure for sample in samples.values() for figure in sample.figures]
    curves = samples["images"].curves
    shares = {
        name: dict(zip(CLASS_NAMES, curves[name].round(4).tolist(), strict=True))
        for name in ("shares", "plane_shares", "voxel_shares")
    }
    document = {
        "figures": [vars(figure) | {"agrees": figure.agrees} for figure in rows],
        "class_shares": shares,
        "crop_sites_percentiles_25_50_75_95_100": curves["crop_sites"].tolist(),
    }
    (out / "figures.json").write_text(json.dumps(document, indent=1) + "\n")
    lines = figure_table(samples.values())
    lines += ["", "| class | crops | whole planes | 3 mm voxels |", "| --- | --- | --- | --- |"]
    for name in CLASS_NAMES:
        cells = [f"{100 * share[name]:.1f} %" for share in shares.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    (out / "figures.md").write_text("\n".join(lines) + "\n")


def write_plots(samples: dict[str, Sample], out: pathlib.Path) -> None:
    """Draws ``energy_loss``, ``delta_rays_michels``, ``showers`` and ``images`` (PNG)."""
    matplotlib.rcParams.update({"font.size": 8, "axes.grid": True, "grid.alpha": 0.3})
    for name, draw in (
        ("energy_loss", _energy_loss),
        ("delta_rays_michels", _delta_rays_michels),
        ("showers", _showers),
        ("images", _images),
    ):
        canvas = Canvas(figsize=(9.0, 3.4), layout="constrained")
        draw(canvas, samples)
        canvas.savefig(out / f"{name}.png", dpi=110)


def _energy_loss(canvas: Canvas, samples: dict[str, Sample]) -> None:
    left, right = canvas.subplots(1, 2)
    edges = np.geomspace(0.05, 300.0, 31)
    middle = np.sqrt(edges[1:] * edges[:-1])
    for name, label, colour, law in (
        ("muons", "muon", CLASS_COLOURS[1], (8.0, -0.37)),
        ("ranges", "proton", CLASS_COLOURS[0], (17.0, -0.42)),
    ):
        curves = samples[name].curves
        which = np.digitize(curves["residual"], edges) - 1
        points = [
            np.mean(curves["loss"][which == i]) if np.any(which == i) else np.nan
            for i in range(len(middle))
        ]
        left.loglog(middle, points, ".", color=colour, label=f"{label}, simulated")
        seen = middle[middle < 30.0]
        text = f"{law[0]:g} $R^{{{law[1]}}}$"
        left.loglog(seen, law[0] * seen ** law[1], "-", lw=0.8, color=colour, label=text)
    bins = measure.RESIDUAL_BINS
    left.stairs(measure.GEANT4_MUON_LOSS, np.maximum(bins, 0.05), color="k", label="Geant4 muons")
    left.set(xlabel="residual range (cm)", ylabel="restricted dE/dx (MeV/cm)", ylim=(1, 80))
    left.legend()
    loss = samples["muons"].curves["loss"][samples["muons"].curves["residual"] > 100.0]
    right.hist(loss, np.linspace(0.0, 5.0, 101), histtype="step", color=CLASS_COLOURS[1])
    right.axvline(np.median(loss), color="k", lw=0.8, label=f"median {np.median(loss):.2f}")
    right.axvline(loss.mean(), color="k", ls="--", lw=0.8, label=f"mean {loss.mean():.2f}")
    right.set(xlabel="dE/dx of 3 mm steps (MeV/cm), muons over 1 m from rest", ylabel="steps")
    right.legend()


def _delta_rays_michels(canvas: Canvas, samples: dict[str, Sample]) -> None:
    left, middle, right = canvas.subplots(1, 3)
    deltas, metres = samples["muons"].curves["deltas"], float(samples["muons"].curves["metres"])
    cuts = np.geomspace(0.35, 100.0, 60)
    left.loglog(
        cuts, [(deltas > cut).sum() / metres for cut in cuts], color=CLASS_COLOURS[3],
        label="simulated",
    )  # fmt: skip
    rates = np.array(list(measure.GEANT4_DELTAS.values()))
    spread = rates / np.sqrt(list(measure.GEANT4_DELTA_COUNTS.values()))
    left.errorbar(list(measure.GEANT4_DELTAS), rates, spread, fmt="ko", ms=3, label="Geant4")
    left.set(xlabel="threshold (MeV)", ylabel="delta rays per metre of muon")
    left.legend()
    michel = samples["stopping_muons"].curves
    middle.hist(
        michel["energies"], np.linspace(0, 60, 31), density=True, histtype="step",
        color=CLASS_COLOURS[4], label="simulated",
    )  # fmt: skip
    x = np.linspace(0.0, 1.0, 200)
    middle.plot(
        52.83 * x - 0.511, 2.0 * x**2 * (3.0 - 2.0 * x) / 52.83, "k", lw=0.8, label="$x^2(3-2x)$"
    )
    middle.set(xlabel="Michel electron (MeV)", ylabel="per MeV")
    middle.legend()
    right.hist(michel["sizes"], np.arange(0, 90, 3), histtype="step", color=CLASS_COLOURS[4])
    right.axvspan(11, 43, color="k", alpha=0.1, label="PILArNet quartiles")
    right.set(xlabel="3 mm voxels of the electron itself", ylabel="Michel electrons")
    right.legend()


def _showers(canvas: Canvas, samples: dict[str, Sample]) -> None:
    left, middle, right = canvas.subplots(1, 3)
    curves = samples["showers"].curves
    edges = np.linspace(0.0, 20.0, 41)
    t = np.linspace(0.01, 20.0, 300)
    for name, colour in (("electron", CLASS_COLOURS[2]), ("photon", CLASS_COLOURS[1])):
        energy = np.histogram(curves[f"{name}_depth"], edges, weights=curves[f"{name}_energy"])[0]
        left.stairs(energy / np.diff(edges), edges, color=colour, label=f"1 GeV {name}")
        sign = -0.5 if name == "electron" else 0.5
        rate = 0.5
        shape = 1.0 + rate * (np.log(1000.0 / LIQUID_ARGON.critical_energy) + sign)
        profile = t ** (shape - 1.0) * np.exp(-rate * t)
        profile *= 1000.0 / (profile.sum() * (t[1] - t[0]))
        left.plot(t, profile, ":", color=colour, label="gamma, b = 0.5")
    left.set(xlabel="depth (X0)", ylabel="MeV per X0")
    left.legend()
    gaps = curves["gaps"]
    middle.hist(gaps, np.linspace(0, 90, 19), density=True, histtype="step", label="simulated")
    x = np.linspace(0, 90, 100)
    middle.plot(x, np.exp(-x / 18.0) / 18.0, "k", lw=0.8, label="exp(-7x/9X0)")
    middle.set(xlabel="conversion gap of 1 GeV photons (cm)", ylabel="per cm")
    middle.legend()
    rings = np.linspace(0.0, 40.0, 161)
    ring = np.histogram(curves["radius"], rings, weights=curves["weight"])[0]
    right.plot(rings[1:], np.cumsum(ring), color=CLASS_COLOURS[2])
    right.axvline(measure.MOLIERE_RADIUS, color="k", alpha=0.3, label="Moliere radius")
    right.axhline(0.9, color="k", lw=0.8, ls=":")
    right.set(xlabel="distance from the axis (cm)", ylabel="share of energy", xlim=(0, 40))
    right.legend()


def _images(canvas: Canvas, samples: dict[str, Sample]) -> None:
    left, middle, right = canvas.subplots(1, 3)
    curves = samples["images"].curves
    left.hist(100 * curves["occupancy"], 15, histtype="step")
    left.set(xlabel="occupied pixels of plane Y (%)", ylabel="events")
    levels = [f.value for f in samples["images"].figures if f.name.startswith("sites of level")]
    middle.semilogy(range(5), [1.0, *levels], "o-", label="simulated")
    middle.semilogy(range(5), image_figures.SBND_LEVELS, "kx", label="SBND")
    middle.set(xlabel="level of the network", ylabel="sites per finest site")
    middle.legend()
    place = np.arange(len(CLASS_NAMES))
    for shift, name, text in ((-0.2, "shares", "crops"), (0.2, "plane_shares", "whole planes")):
        bars = right.bar(
            place + shift, 100 * curves[name], 0.38, color=CLASS_COLOURS,
            alpha=1.0 if shift < 0 else 0.45, label=text,
        )  # fmt: skip
        right.bar_label(bars, fmt="%.1f", fontsize=6)
    right.set_xticks(place, CLASS_NAMES)
    right.set(ylabel="% of pixels (pale: whole planes)")


if __name__ == "__main__":
    command_line.define_path("out", "docs/images/simulation", "Folder for the plots and tables.")
    flags.DEFINE_float("scale", 1.0, "Size of the samples; 1 takes about a minute.")
    command_line.run(main)
