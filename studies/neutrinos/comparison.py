"""The generator beside another one: the truth of DUNE events from a full simulation (GENIE).

    python -m studies.neutrinos.comparison --dune_cvn=FOLDER

reads the ``.info`` files of the public dune-cvn sample, draws interactions of the same class, sign
and energy on argon, and prints both side by side. Nothing here is fitted to that sample.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from absl import flags

from jaxsparse import command_line
from jaxsparse.data.readers.dune_cvn import DuneCvnSource
from jaxsparse.detectors.dune import DUNE_EVENT_CLASSES
from jaxsparse.simulate.neutrinos.generator import interact_at
from studies.neutrinos.figures import CONFIGS, count

MODES = {"QE": "QE", "RES": "RES", "DIS": "DIS", "other": "MEC"}
REPEATS = 10


@dataclasses.dataclass
class Tally:
    """Rows of mode, inelasticity, protons, charged pions, neutral pions, neutrons."""

    modes: list[str]
    rows: list[list[float]]

    def line(self, mode: str) -> str:
        """Share of a mode (%) and the means of its rows with their errors, as cells of a table."""
        chosen = np.array([r for m, r in zip(self.modes, self.rows, strict=True) if m == mode])
        if len(chosen) < 2:
            return "| | | | | | "
        share = 100.0 * len(chosen) / len(self.modes)
        error = 100.0 * np.sqrt(len(chosen)) / len(self.modes)
        means, errors = chosen.mean(axis=0), chosen.std(axis=0) / np.sqrt(len(chosen))
        cells = [f"{m:.2f} +- {e:.2f}" for m, e in zip(means, errors, strict=True)]
        return f"| {share:.0f} +- {error:.0f} | " + " | ".join(cells)


def compare(folder: str, seed: int = 0) -> dict[str, tuple[Tally, Tally]]:
    """For charged currents of each class: what the files say, and what the generator draws."""
    source = DuneCvnSource(folder)
    rng = np.random.default_rng(seed)
    found = {name: (Tally([], []), Tally([], [])) for name in DUNE_EVENT_CLASSES if name != "nc"}
    for index, label in enumerate(source.event_labels):
        name, info = DUNE_EVENT_CLASSES[label], source.info(index)
        if name == "nc":  # the files give neutral currents no mode
            continue
        theirs, ours = found[name]
        theirs.modes.append(MODES[info.interaction])
        y = 1.0 - info.lepton_energy / info.neutrino_energy
        theirs.rows.append([y, info.protons, info.charged_pions, info.neutral_pions, info.neutrons])
        sign = 1 if info.neutrino_pdg > 0 else -1
        made = [
            interact_at(CONFIGS["dune"], name, sign, info.neutrino_energy, rng)
            for _ in range(REPEATS)
        ]
        ours.modes += [i.mode for i in made]
        counts = [count(made, code) for code in (2212, 211, 111, 2112)]
        ours.rows += np.stack([[i.inelasticity for i in made], *counts], axis=1).tolist()
    return found


def main(_: list[str]) -> None:
    """Entry point of the command line."""
    print("| class, mode | | share (%) | y | p | pi+- | pi0 | n |\n" + "| --- " * 8 + "|")
    for name, pair in compare(flags.FLAGS.dune_cvn).items():
        for mode in MODES.values():
            for tally, who in zip(pair, ("GENIE", "here"), strict=True):
                print(f"| {name} {mode} | {who} {tally.line(mode)} |")


if __name__ == "__main__":
    command_line.define_path("dune_cvn", None, "Folder of the dune-cvn sample.", required=True)
    command_line.run(main)
