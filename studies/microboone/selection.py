"""Selects 1e1p events against 1mu1p by the classes that a network gives the pixels.

    python -m studies.microboone.selection --model=WORKDIR --out=DIR --events=2000

simulates a lepton and a proton from one vertex under cosmic muons, and counts the classes of the
pixels about the vertex. With a proton there, the share of shower among shower and MIP pixels tells
an electron from a muon. Its cut is fixed on other events. Writes ``selection.md``,
``selection.json``, ``selection.png`` and ``regions.png``; ``docs/selection.md`` explains them.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags

from jaxsparse import command_line
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.schema import Event
from jaxsparse.data.windows import WindowedEvents
from jaxsparse.detectors.microboone import HIP, MIP, SHOWER
from jaxsparse.evaluation import scores
from jaxsparse.evaluation.metrics.bootstrap import spread
from jaxsparse.evaluation.text import dumps
from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
from jaxsparse.simulate.transport.generator import GeneratorConfig
from jaxsparse.simulate.wire_chamber.source import SimulatedEvents
from jaxsparse.viz.style import save
from studies.microboone import study
from studies.microboone.event_files import simulated_files
from studies.microboone.vertex_region import class_counts

TOPOLOGIES = ("1e1p", "1mu1p")
LEPTON_ENERGY = (50.0, 1000.0)  # MeV, of both: the energy must not tell them apart
PROTON_PIXELS = 5  # called HIP, 1.5 cm: fewer are no proton
CUTS = np.linspace(0.0, 1.0, 101)[:-1]
DRAWS = 500


@dataclasses.dataclass(frozen=True)
class Topologies:
    """Event number i of both topologies, of one seed.

    The two have the same vertex, the same energies and directions and the same cosmic muons: only
    the lepton is another.

    Attributes:
      sources: of the topologies.
    """

    sources: tuple[WindowedEvents, ...]

    @classmethod
    def of(cls, views: tuple[str, ...], side: int, seed: int) -> Topologies:
        """1e1p and 1mu1p under cosmic muons, of every plane a square about the interaction."""
        return cls(
            tuple(
                WindowedEvents(
                    SimulatedEvents(
                        GeneratorConfig(topology, kinetic_energy=LEPTON_ENERGY),
                        MICROBOONE_CHAMBER,
                        seed=seed,
                        views=views,
                    ),
                    side,
                    seed,
                )
                for topology in TOPOLOGIES
            )
        )

    def __getitem__(self, index: int) -> list[Event]:
        return [source[index] for source in self.sources]


@dataclasses.dataclass(frozen=True)
class Counted:
    """What the pixels about the vertices of 1e1p and 1mu1p events say.

    Attributes:
      protons: of both topologies, bool ``[events]``: there is a proton.
      shares: of both, float64 ``[events]``: shower among shower and MIP pixels; NaN without any.
    """

    protons: tuple[np.ndarray, np.ndarray]
    shares: tuple[np.ndarray, np.ndarray]

    @classmethod
    def of(cls, signal: np.ndarray, background: np.ndarray) -> Counted:
        """From numbers of pixels ``[events, classes]``.

        >>> counted = Counted.of(np.array([[9, 5, 15, 0, 0]]), np.array([[2, 9, 0, 0, 0]]))
        >>> [found.tolist() for found in (*counted.protons, *counted.shares)]
        [[True], [False], [0.75], [0.0]]
        """
        both = (signal, background)
        protons = [counts[:, HIP] >= PROTON_PIXELS for counts in both]
        shares = [scores.ratio(c[:, SHOWER], c[:, SHOWER] + c[:, MIP]) for c in both]
        return cls((protons[0], protons[1]), (shares[0], shares[1]))

    def selected(self, cuts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of both topologies bool ``[cuts, events]``: called 1e1p at every cut on the share."""
        first, second = (
            protons & (shares > cuts[:, None])
            for protons, shares in zip(self.protons, self.shares, strict=True)
        )
        return first, second


def rates(counted: Counted, cuts: np.ndarray, seed: int = 0) -> dict[str, dict[str, np.ndarray]]:
    """What a cut on the share of shower pixels keeps, for as many events of both topologies.

    ``efficiency``: part of the 1e1p that passes; ``background``: part of the 1mu1p that does;
    ``purity``: 1e1p among what passes. Errors are bootstrapped over events; those of one number, an
    event of each topology, are drawn together.

    Returns:
      By name ``value`` and ``error``, float64 ``[cuts]`` each.
    """
    selected = counted.selected(cuts)
    number = selected[0].shape[1]
    weights = np.full(number, 1 / number)
    draws = np.random.default_rng(seed).multinomial(number, weights, DRAWS) / number
    values = _rates(*(chosen.mean(1) for chosen in selected))
    drawn = _rates(*(draws @ chosen.T for chosen in selected))
    return {name: {"value": values[name], "error": spread(drawn[name])} for name in values}


def _rates(efficiency: np.ndarray, background: np.ndarray) -> dict[str, np.ndarray]:
    purity = scores.ratio(efficiency, efficiency + background)
    return {"efficiency": efficiency, "background": background, "purity": purity}


def best_cut(counted: Counted) -> float:
    """The cut with the largest product of efficiency and purity; of equal ones the middle."""
    found = rates(counted, CUTS)
    product = np.nan_to_num(found["efficiency"]["value"] * found["purity"]["value"])
    best = np.flatnonzero(product == product.max())
    return float(CUTS[best[len(best) // 2]])


def calls(counted: Counted, cut: float) -> dict[str, dict[str, int]]:
    """By true topology, how many events are called what at a cut."""
    found = {}
    for number, topology in enumerate(TOPOLOGIES):
        protons, shares = counted.protons[number], counted.shares[number]
        electron, lepton = shares > cut, np.isfinite(shares)
        found[topology] = {
            "1e1p": int((protons & electron).sum()),
            "1mu1p": int((protons & lepton & ~electron).sum()),
            "no proton": int((~protons).sum()),
            "no lepton": int((protons & ~lepton).sum()),
        }
    return found


def main(_: list[str]) -> None:
    """Entry point of the command line."""
    from studies.microboone import selection_pictures as pictures

    values = flags.FLAGS
    model, out, samples = study.begun(values)
    counted: dict[str, dict[str, Counted]] = {"predicted": {}, "true": {}}
    for part, number, seed in (
        ("tune", values.tune_events, values.seed + 1),
        ("test", values.events, values.seed),
    ):
        events = Topologies.of(model.views, values.window, seed)
        paths = written(events, part, range(number), seed, samples, values.workers)
        both = [class_counts(model, EventFile(path)) for path in paths]
        for kind, place in (("predicted", 0), ("true", 1)):
            counted[kind][part] = Counted.of(*(counts[place] for counts in both))
    found = {}
    for kind, parts in counted.items():
        cut = best_cut(parts["tune"])
        found[kind] = {
            "cut": cut,
            "at_cut": rates(parts["test"], np.array([cut])),
            "calls": calls(parts["test"], cut),
            "curves": rates(parts["test"], CUTS),
        }
    settings = ("checkpoint", "events", "tune_events", "window", "seed")
    document = {
        "model": str(values.model),
        **{name: values[name].value for name in settings},
        "cuts": CUTS,
        **found,
    }
    (out / "selection.json").write_text(dumps(document), encoding="utf-8")
    lines = table(found)
    (out / "selection.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    tests = {kind: parts["test"] for kind, parts in counted.items()}
    save(pictures.curves(tests, found, CUTS), out / "selection.png")
    save(pictures.regions(model, [EventFile(path) for path in paths]), out / "regions.png")


def written(
    events: Topologies, part: str, numbers: range, seed: int, folder: Path, workers: int
) -> list[Path]:
    """The files of both topologies, made where they are not there."""
    side = events.sources[0].side
    about = {"program": "studies.microboone.selection", "seed": seed, "window": side}
    files = {
        folder / f"{topology}_{part}.h5": {
            **about, "topology": topology, "lepton_energy": list(LEPTON_ENERGY),
        }
        for topology in TOPOLOGIES
    }  # fmt: skip
    simulated_files(
        files,
        events.__getitem__,
        numbers,
        views=events.sources[0].view_shapes,
        workers=workers,
    )
    return list(files)


def table(found: dict[str, Any]) -> list[str]:
    """Two Markdown tables: the figures at the cut, and what the events are called there."""
    columns = ("efficiency", "purity", "background")
    lines = [
        "| per cent, with the pixels' classes | cut | efficiency | purity | of 1mu1p pass |",
        "| --- | --- | --- | --- | --- |",
    ]
    for kind, parts in found.items():
        cells = [
            f"{100 * parts['at_cut'][name]['value'][0]:.1f} "
            f"± {100 * parts['at_cut'][name]['error'][0]:.1f}"
            for name in columns
        ]
        lines.append(f"| {kind} | {parts['cut']:.2f} | {' | '.join(cells)} |")
    names = list(found["predicted"]["calls"][TOPOLOGIES[0]])
    lines += ["", f"| truth, events called | {' | '.join(names)} |"]
    lines.append("| --- |" + " --- |" * len(names))
    for kind, parts in found.items():
        for topology, numbers in parts["calls"].items():
            cells = [str(numbers[name]) for name in names]
            lines.append(f"| {topology}, {kind} classes | {' | '.join(cells)} |")
    return lines


def _define_flags() -> None:
    study.define_flags()
    flags.DEFINE_integer("events", 2000, "of each topology", lower_bound=2)
    flags.DEFINE_integer("tune_events", 1000, "of each, to fix the cut on", lower_bound=2)
    command_line.define_seed(25, "of the events; the next one is of those that fix the cut")


if __name__ == "__main__":
    _define_flags()
    command_line.run(main)
