"""Events of the segmented detector: interactions, particle guns and cosmic muons.

Events are made by the dozen: the particles of many share one bank, where the transport carries them
together, for an event alone is too small to keep numpy busy.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from jaxsparse import particle_data as c
from jaxsparse.detectors.nova import NOVA_EVENT_CLASSES
from jaxsparse.errors import InputError
from jaxsparse.simulate import event_classes
from jaxsparse.simulate.event_classes import Origin, check_classes
from jaxsparse.simulate.neutrinos.generator import InteractionConfig, draw_interaction
from jaxsparse.simulate.neutrinos.interaction import add_interaction
from jaxsparse.simulate.transport.bank import ParticleBank
from jaxsparse.simulate.transport.cosmics import add_cosmic_muon
from jaxsparse.simulate.transport.directions import isotropic

GUNS = {"muon": 13, "electron": 11, "photon": 22, "proton": 2212, "pion": 211, "pi0": 111}
TOPOLOGIES = ("beam", *GUNS)
COSMIC = "cosmic"
# Far detector: 1.22 m of concrete and 15 cm of barite, 3 metres of water in all (arXiv 1601.05022).
OVERBURDEN = 300.0  # g/cm^2
CLASSES = (("numu", 0.3), ("nue", 0.3), ("nc", 0.3), ("cosmic", 0.1))


@dataclasses.dataclass(frozen=True)
class ScintillatorConfig:
    """What events to generate.

    Attributes:
      topology: ``"beam"`` for neutrino interactions and cosmic muons, or one particle:
        ``"muon"``, ``"electron"``, ``"photon"``, ``"proton"``, ``"pion"``, ``"pi0"``.
      classes: event classes and their shares, for ``"beam"``.
      spectrum: of the neutrinos, as in :class:`InteractionConfig`.
      kinetic_energy: least and largest of a particle gun (MeV), drawn evenly in its logarithm.
      forward: whether a gun shoots along the beam, or anywhere.
      fiducial_margin: cm between a vertex and the sides of the detector.
      least_hits: events with fewer hits are drawn again: nobody sees them. Guns are not.
    """

    topology: str = "beam"
    classes: tuple[tuple[str, float], ...] = CLASSES
    spectrum: str = "oscillated"
    kinetic_energy: tuple[float, float] = (100.0, 2000.0)
    forward: bool = False
    fiducial_margin: float = 0.0
    least_hits: int = 20

    def __post_init__(self) -> None:
        if self.topology not in TOPOLOGIES:
            raise InputError(
                f"topology is {self.topology!r}: choose one of {', '.join(TOPOLOGIES)}"
            )
        check_classes(self.classes, NOVA_EVENT_CLASSES)
        least, most = self.kinetic_energy
        if not 1.0 <= least <= most <= 2.0e4:
            raise InputError(
                f"kinetic_energy is {self.kinetic_energy}: needs 1 <= least <= most <= 20000 MeV"
            )
        if not 0.0 <= self.fiducial_margin <= 500.0:
            raise InputError(f"fiducial_margin is {self.fiducial_margin}: must lie in 0 to 500 cm")
        if not 0 <= self.least_hits <= 100:
            raise InputError(f"least_hits is {self.least_hits}: must lie in 0 to 100")


def draw_class(config: ScintillatorConfig, rng: np.random.Generator) -> str:
    """The class of an event; ``""`` for guns."""
    if config.topology != "beam":
        return ""
    return event_classes.draw_class(config.classes, rng)


def begin(
    bank: ParticleBank, config: ScintillatorConfig, event_class: str, rng: np.random.Generator
) -> Origin:
    """Adds the primaries of one event to ``bank``, at time 0, a vertex anywhere in the detector.

    Args:
      bank: other events' primaries so far, not yet carried anywhere.
      config: what to generate.
      event_class: of ``NOVA_EVENT_CLASSES``, ``""`` for a gun.
      rng: random numbers.

    >>> from jaxsparse.simulate.nova.detector import NOVA_FAR
    >>> bank = ParticleBank(NOVA_FAR.world)
    >>> origin = begin(bank, ScintillatorConfig("muon"), "", np.random.default_rng(1))
    >>> origin.topology, bank.particles["pdg"].tolist()
    ('muon', [13])
    """
    if event_class == COSMIC:
        add_cosmic_muon(bank, rng, overburden=OVERBURDEN)
        return Origin(event_class, COSMIC)
    low, high = bank.world.volume.corners
    vertex = rng.uniform(low + config.fiducial_margin, high - config.fiducial_margin)
    if config.topology != "beam":
        _shoot(bank, config, vertex, rng)
        return Origin(event_class, config.topology)
    asked = InteractionConfig(
        beam="nova", target="scintillator", event_classes=(event_class,), shares=(1.0,),
        spectrum=config.spectrum,
    )  # fmt: skip
    interaction = draw_interaction(asked, rng)
    add_interaction(bank, interaction, vertex, 0.0)
    return Origin(event_class, interaction.topology, interaction.energy)


def _shoot(
    bank: ParticleBank, config: ScintillatorConfig, vertex: np.ndarray, rng: np.random.Generator
) -> None:
    """Adds the one particle of a gun."""
    low, high = np.log(config.kinetic_energy)
    bank.add(
        pdg=GUNS[config.topology],
        parent=-1,
        process=c.PRIMARY,
        kinetic_energy=np.exp(rng.uniform(low, high, 1)),
        time=0.0,
        start=vertex[None],
        direction=np.array([[0.0, 0.0, 1.0]]) if config.forward else isotropic(1, rng),
        interaction=True,
    )
