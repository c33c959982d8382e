"""What is asked about neutrino events beside their class, in a detector's own words."""

from __future__ import annotations

import dataclasses

from jaxsparse.detectors.declared import edges


@dataclasses.dataclass(frozen=True)
class TopologyWords:
    """Words of an event's topology that an evaluation tells events apart by.

    Attributes:
      words: of which an event has one at most.
      of_class: only events whose topology begins with the name of this class are meant; all if
        empty.

    >>> decays = TopologyWords(("electron", "muon"), of_class="nutau")
    >>> decays.of("nutau CC DIS muon"), decays.of("numu CC muon"), decays.of("nutau CC DIS")
    ('muon', '', '')
    """

    words: tuple[str, ...]
    of_class: str = ""

    def of(self, topology: str) -> str:
        """The word that a topology has, ``""`` for none."""
        words = topology.split()
        if self.of_class and words[:1] != [self.of_class]:
            return ""
        return next((word for word in words if word in self.words), "")


@dataclasses.dataclass(frozen=True)
class NeutralCurrents:
    """The class of neutral currents, and the classes that their pions look like.

    A neutral pion's showers look like an electron's, a long charged pion looks like a muon. What
    is called so is counted in bins; without edges a question is not asked.

    Attributes:
      name: of the class.
      electron, muon: names of the classes of charged currents with such a lepton.
      neutral_energy: MeV, edges of bins in the total energy of the most energetic neutral pion.
      photon_gap: cm, in the gap between the vertex and a neutral pion's nearest photon.
      charged_length: cm, in the length of the longest charged pion.

    Raises:
      InputError: edges that are none.
    """

    name: str
    electron: str
    muon: str
    neutral_energy: tuple[float, ...] = ()
    photon_gap: tuple[float, ...] = ()
    charged_length: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ("neutral_energy", "photon_gap", "charged_length"):
            if len(given := getattr(self, name)):
                object.__setattr__(self, name, edges(name, given))
