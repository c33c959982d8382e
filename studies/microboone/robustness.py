"""How much a network's accuracy depends on what the simulator assumes, and on Geant4 or ours.

    python -m studies.microboone.robustness --model=WORKDIR --out=DIR --events=2400 \
        --edep_sim=edepsim_muon_1-2GeV.h5 --electrons=larnd_segments

makes the same events with one assumption changed at a time, has the network call their pixels, and
writes ``robustness.md`` and ``robustness.json``: every figure under every variation, and its
difference to the simulator as it is. ``docs/robustness.md`` explains them. The event files stay in
``--samples`` and serve the next network.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags

from jaxsparse import command_line
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.readers.edep_sim import READER, EdepSimFile
from jaxsparse.data.readers.file_pool import find_files
from jaxsparse.data.source import DepositSource
from jaxsparse.deploy.model import Model
from jaxsparse.evaluation.text import dumps
from jaxsparse.simulate.microboone.placed_events import PlacedEvents
from jaxsparse.simulate.transport.generator import GeneratorConfig
from jaxsparse.simulate.transport.vertices import TOPOLOGIES
from studies.microboone import study
from studies.microboone.class_counts import (
    FIGURES,
    compared,
    confusion_tables,
    of_the_interaction,
    percent,
)
from studies.microboone.event_files import simulated_files
from studies.microboone.geant4 import (
    ELECTRON,
    MUON,
    Electrons,
    Twins,
    energy_left,
    energy_of_primary,
)
from studies.microboone.variations import NOMINAL, VARIATIONS, VariedEvents

Compared = dict[str, dict[str, Any]]

# Of Geant4's events; few particles make the other figures mean nothing.
MUON_FIGURES = ("MIP efficiency", "delta efficiency", "delta purity")
ELECTRON_FIGURES = ("shower efficiency",)
SKIES = {"without cosmics": 0.0, "with simulated cosmics": 1.0}


def main(_: list[str]) -> None:
    """Entry point of the command line."""
    values = flags.FLAGS
    model, out, samples = study.begun(values)
    generator = GeneratorConfig(values.topology, cosmic_rate=values.cosmic_rate)
    events = VariedEvents(VARIATIONS, generator, values.seed, model.views, values.window)
    varied = variations(model, events, values.events, samples, values.workers)
    lines = variation_lines(varied)
    beside: dict[str, dict[str, Compared]] = {}
    if values.edep_sim:
        muons = EdepSimFile(values.edep_sim)
        twins: DepositSource = Twins(muons, MUON, energy_of_primary, values.seed)
        beside["muons"] = geant4(model, muons, twins, values.placements, values.seed)
        lines += geant4_lines("muons", beside["muons"], MUON_FIGURES, len(muons))
    if values.electrons:
        files = find_files([str(values.electrons)], READER.holds, READER.patterns)
        electrons = Electrons(files)
        twins = Twins(electrons, ELECTRON, energy_left, values.seed)
        beside["electrons"] = geant4(model, electrons, twins, values.placements, values.seed)
        lines += geant4_lines("electrons", beside["electrons"], ELECTRON_FIGURES, len(electrons))
    settings = ("checkpoint", "topology", "events", "cosmic_rate", "window", "seed", "placements")
    document = {
        "model": str(values.model),
        **{name: values[name].value for name in settings},
        "views": model.views,
        "variations": {
            variation.name: {"what": variation.what, "figures": varied[variation.name]}
            for variation in VARIATIONS
        },
        "geant4": beside,
    }
    (out / "robustness.json").write_text(dumps(document), encoding="utf-8")
    (out / "robustness.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def variations(
    model: Model, events: VariedEvents, number: int, folder: Path, workers: int = 0
) -> dict[str, Compared]:
    """The figures under every variation beside those of the first, by name.

    Args:
      model: a trained network.
      events: of the variations, the nominal one first.
      number: how many events.
      folder: for the event files.
      workers: processes that simulate; 0 for all cores.
    """
    made_by = {
        "program": "studies.microboone.robustness",
        "topology": events.generator.topology,
        "cosmic_rate": events.generator.cosmic_rate,
        "seed": events.seed,
        "window": events.side,
    }
    paths = {variation.name: folder / f"{variation.name}.h5" for variation in events.variations}
    simulated_files(
        {
            paths[variation.name]: {**made_by, "variation": variation.what}
            for variation in events.variations
        },
        events.__getitem__,
        range(number),
        views=events.view_shapes,
        workers=workers,
    )
    tables = {name: confusion_tables(model, EventFile(path)) for name, path in paths.items()}
    nominal = tables[events.variations[0].name]
    return {name: compared(nominal, varied) for name, varied in tables.items()}


def geant4(
    model: Model, events: DepositSource, twins: DepositSource, placements: int, seed: int
) -> dict[str, Compared]:
    """The figures of Geant4's events beside those of our own, with cosmics and without.

    Whole planes, on which pixels count that a particle of the event named, not a cosmic one. An
    event and its twin are placed alike; all placements of an event are drawn together.
    """
    found = {}
    for sky, rate in SKIES.items():
        tables = {}
        for name, source in (("twins", twins), ("geant4", events)):
            placed = PlacedEvents(
                source, placements=placements, seed=seed, views=model.views, cosmic_rate=rate
            )
            images = (placed[number] for number in range(len(placed)))
            with warnings.catch_warnings():
                # One electron on a plane: most pixels are noise, whose values are small.
                warnings.filterwarnings("ignore", ".*: in other units")
                tables[name] = confusion_tables(model, images, of_the_interaction, batch_size=1)
        groups = np.arange(len(events) * placements) // placements
        found[sky] = compared(tables["twins"], tables["geant4"], groups)
    return found


def variation_lines(varied: dict[str, Compared]) -> list[str]:
    """Two Markdown tables, of a line a variation, and what the variations are."""
    lines = []
    for columns in (FIGURES[:8], FIGURES[8:]):
        lines += [f"| per cent | {' | '.join(columns)} |", "| --- |" + " --- |" * len(columns)]
        for name, figures in varied.items():
            if name == NOMINAL.name:
                cells = [
                    f"{100 * figures[column]['value']:.1f} ± {100 * figures[column]['error']:.1f}"
                    for column in columns
                ]
            else:
                cells = [percent(figures[column]) for column in columns]
            lines.append(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")
        lines.append("")
    lines += ["In brackets the difference to nominal, of the same events.", ""]
    known = {variation.name: variation.what for variation in VARIATIONS}
    lines += [f"- {name.replace('_', ' ')}: {known[name]}" for name in varied]
    return [*lines, ""]


def geant4_lines(
    what: str, found: dict[str, Compared], columns: tuple[str, ...], number: int
) -> list[str]:
    """A Markdown table of Geant4's particles; in brackets what they have more than our own."""
    return [
        f"| {number} Geant4 {what}, per cent | {' | '.join(columns)} |",
        "| --- |" + " --- |" * len(columns),
        *(
            f"| {sky} | {' | '.join(percent(figures[column]) for column in columns)} |"
            for sky, figures in found.items()
        ),
        "",
        f"In brackets the difference to our own {what} of the same energies.",
        "",
    ]


def _define_flags() -> None:
    study.define_flags()
    flags.DEFINE_integer("events", 2400, "of every variation", lower_bound=1)
    flags.DEFINE_enum("topology", "published_bomb", TOPOLOGIES, "what happens at the vertex")
    flags.DEFINE_float("cosmic_rate", 1.0, "cosmic muons, in units of the surface rate")
    command_line.define_seed(15, "of events, placements and Geant4's twins")
    command_line.define_path("edep_sim", None, "edep-sim file of muons")
    command_line.define_path("electrons", None, "file or folder of segments with electrons")
    flags.DEFINE_integer("placements", 10, "images of a Geant4 event", lower_bound=1)


if __name__ == "__main__":
    _define_flags()
    command_line.run(main)
