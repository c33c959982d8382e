"""Plots and a table of the neutrino generator against what is known.

    python -m studies.neutrinos.validation --out=docs/images/neutrinos

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
from jaxsparse.paths import make_folder
from jaxsparse.simulate.neutrinos import hadronization
from jaxsparse.simulate.neutrinos.cross_sections import MODES
from jaxsparse.simulate.neutrinos.generator import EVENT_CLASSES, spectrum
from jaxsparse.simulate.neutrinos.interaction import Interaction
from studies.figure import Sample, figure_table, print_verdict
from studies.neutrinos import figures as measure

COLOURS = {"numu": "tab:blue", "nue": "tab:red", "nutau": "tab:purple", "nc": "tab:green"}
MODE_COLOURS = dict(zip(MODES, ("tab:blue", "tab:cyan", "tab:orange", "tab:red"), strict=True))


def main(_: list[str]) -> None:
    """Entry point of the command line."""
    values = flags.FLAGS
    out = make_folder(values.out, "out")
    number = max(int(4000 * values.scale), 100)
    found = {
        "beams": measure.beams(),
        "totals": measure.totals(),
        "inelasticity": measure.inelasticity(number),
        "multiplicities": measure.multiplicities(number),
        "taus": measure.taus(number),
    }
    made = {beam: measure.samples(number, beam) for beam in measure.CONFIGS}
    write_tables(found, made, out)
    write_plots(found, made, out)
    print_verdict(found.values())


def write_tables(
    found: dict[str, Sample], made: dict[str, list[Interaction]], out: pathlib.Path
) -> None:
    """Writes ``figures.json`` and ``figures.md``: figures beside references, and what comes out."""
    rows = [figure for sample in found.values() for figure in sample.figures]
    document = [vars(figure) | {"agrees": figure.agrees} for figure in rows]
    (out / "figures.json").write_text(json.dumps(document, indent=1) + "\n")
    lines = figure_table(found.values())
    for beam, interactions in made.items():
        lines += ["", *composition(beam, interactions)]
    (out / "figures.md").write_text("\n".join(lines) + "\n")


def composition(beam: str, interactions: list[Interaction]) -> list[str]:
    """A table of what the interactions of each class are and what leaves the nucleus."""
    lines = [
        f"| {beam} | median energy (GeV) | mean y | QE / MEC / RES / DIS (%) | p above 50 MeV "
        "| pi+- | pi0 | with a pi0 (%) | antineutrinos (%) |",
        "| --- " * 9 + "|",
    ]
    for name in EVENT_CLASSES:
        own = [i for i in interactions if i.event_class == name]
        modes = " / ".join(f"{100 * np.mean([i.mode == mode for i in own]):.0f}" for mode in MODES)
        neutral = measure.count(own, 111)
        lines.append(
            f"| {name} | {np.median([i.energy for i in own]):.2f} "
            f"| {np.mean([i.inelasticity for i in own]):.2f} | {modes} "
            f"| {measure.count(own, 2212, above=50.0).mean():.2f} "
            f"| {measure.count(own, 211).mean():.2f} | {neutral.mean():.2f} "
            f"| {100 * np.mean(neutral > 0):.0f} "
            f"| {100 * np.mean([i.neutrino < 0 for i in own]):.1f} |"
        )
    return lines


def write_plots(
    found: dict[str, Sample], made: dict[str, list[Interaction]], out: pathlib.Path
) -> None:
    """Draws ``spectra``, ``cross_sections``, ``inelasticity`` and ``multiplicities`` (PNG)."""
    matplotlib.rcParams.update({"font.size": 8, "axes.grid": True, "grid.alpha": 0.3})
    canvas = Canvas(figsize=(9.0, 5.6), layout="constrained")
    _spectra(canvas, found["beams"])
    canvas.savefig(out / "spectra.png", dpi=110)
    for name, draw in (
        ("cross_sections", lambda canvas: _cross_sections(canvas, found["totals"])),
        ("inelasticity", lambda canvas: _inelasticity(canvas, found["inelasticity"])),
        ("multiplicities", lambda canvas: _multiplicities(canvas, found["multiplicities"], made)),
    ):
        canvas = Canvas(figsize=(9.0, 3.0), layout="constrained")
        draw(canvas)
        canvas.savefig(out / f"{name}.png", dpi=110)


def _spectra(canvas: Canvas, sample: Sample) -> None:
    axes = canvas.subplots(2, 3)
    curves = sample.curves
    for (flux, chance, rate), beam in zip(axes, measure.CONFIGS, strict=True):
        energy = curves["energy"]
        flux.plot(energy, curves[beam], color="k")
        flux.set(xlim=(0, 8), xlabel="energy (GeV)", ylabel="nu_mu per GeV", title=f"{beam}: beam")
        for flavour, name in ((14, "numu"), (12, "nue"), (16, "nutau")):
            chance.plot(energy, curves[f"{beam}_{flavour}"], color=COLOURS[name], label=name)
        chance.set(xlim=(0.4, 8), xlabel="energy (GeV)", title="probability, from nu_mu")
        chance.legend()
        for name, colour in COLOURS.items():
            for kind, style in (("oscillated", "-"), ("swapped", ":")):
                edges, running = spectrum(beam, kind, name)
                cells = np.diff(running, prepend=0.0).reshape(2, -1).sum(axis=0)
                density = cells / cells.sum() / np.diff(edges)
                label = name if style == "-" else None
                rate.plot(edges[:-1], density, style, lw=1, color=colour, label=label)
        rate.set(xlim=(0, 12), xlabel="energy (GeV)", ylabel="interactions per GeV",
                 title="interactions (dotted: swapped)")  # fmt: skip
        rate.legend()


def _cross_sections(canvas: Canvas, sample: Sample) -> None:
    axes = canvas.subplots(1, 4, sharex=True)
    energy = sample.curves["energy"]
    names = {"numu": "CC nu_mu", "numubar": "CC anti-nu_mu", "nutau": "CC nu_tau", "nc": "NC"}
    for axis, (name, title) in zip(axes, names.items(), strict=True):
        sizes = sample.curves[name] / energy
        for mode, size in zip(MODES, sizes, strict=True):
            axis.semilogx(energy, size, color=MODE_COLOURS[mode], label=mode)
        axis.semilogx(energy, sizes.sum(axis=0), "k", label="all")
        measured = {"numu": 0.677, "numubar": 0.334}.get(name)
        if measured:
            axis.plot([30.0, 50.0], [measured] * 2, color="0.5", lw=4, alpha=0.5, label="measured")
        axis.set(xlabel="energy (GeV)", title=title, ylim=(0, None), xlim=(0.3, 50))
    axes[0].set_ylabel("cross section / E (1e-38 cm$^2$/GeV)")
    axes[2].legend()


def _inelasticity(canvas: Canvas, sample: Sample) -> None:
    axes = canvas.subplots(1, 3)
    bins = np.linspace(0.0, 1.0, 26)
    for axis, energy in zip(axes, (2, 20), strict=False):
        values = [sample.curves[f"{mode}_{energy}"] for mode in MODES]
        axis.hist(values, bins, stacked=True, label=MODES, color=list(MODE_COLOURS.values()))
        axis.set(xlabel="inelasticity y", title=f"CC nu_mu of {energy} GeV", ylabel="interactions")
        axis.legend()
    for energy in (2, 20):
        angles = sample.curves[f"angle_{energy}"]
        axes[2].hist(angles, np.linspace(0, 90, 46), histtype="step", label=f"{energy} GeV")
    axes[2].set(xlabel="angle of the muon (degrees)", ylabel="interactions")
    axes[2].legend()


def _multiplicities(canvas: Canvas, sample: Sample, made: dict[str, list[Interaction]]) -> None:
    left, middle, right = canvas.subplots(1, 3)
    curves = sample.curves
    w = np.linspace(1.7, 6.5, 100)
    for nucleon, name, colour in ((2212, "proton", "tab:red"), (2112, "neutron", "tab:blue")):
        left.plot(curves["w"], curves[name], "o", color=colour, label=f"nu {name}")
        a, b, _ = hadronization.MULTIPLICITY[1, nucleon]
        left.plot(w, a + b * np.log(w**2), "-", lw=0.8, color=colour)
    left.set(xlabel="W (GeV)", ylabel="charged hadrons, before the nucleus")
    left.legend()
    for axis, code, title in ((middle, 111, "neutral pions"), (right, 211, "charged pions")):
        for name, colour in COLOURS.items():
            own = [i for i in made["nova"] if i.event_class == name]
            axis.hist(
                measure.count(own, code), np.arange(-0.5, 6.5), density=True, histtype="step",
                color=colour, label=name,
            )  # fmt: skip
        axis.set(xlabel=f"{title} that leave the nucleus", ylabel="share of interactions")
        axis.legend()


if __name__ == "__main__":
    command_line.define_path("out", "docs/images/neutrinos", "Folder for the plots and tables.")
    flags.DEFINE_float("scale", 1.0, "Size of the samples; 1 takes about a minute.")
    command_line.run(main)
