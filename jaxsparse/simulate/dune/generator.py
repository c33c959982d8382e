"""Neutrino interactions in the far detector."""

from __future__ import annotations

import dataclasses

import numpy as np

from jaxsparse.detectors.dune import DUNE_EVENT_CLASSES, DUNE_INTERACTIONS
from jaxsparse.errors import InputError
from jaxsparse.simulate.dune.detector import FarDetector
from jaxsparse.simulate.event_classes import Classes, Origin, check_classes
from jaxsparse.simulate.neutrinos.generator import (
    SPECTRA,
    InteractionConfig,
    draw_interaction,
)
from jaxsparse.simulate.neutrinos.interaction import Interaction, add_interaction
from jaxsparse.simulate.transport.bank import ParticleBank

TOPOLOGIES = ("beam",)
EQUAL_SHARES = tuple((name, 0.25) for name in DUNE_EVENT_CLASSES)


@dataclasses.dataclass(frozen=True)
class DuneConfig:
    """What events to generate.

    Attributes:
      topology: ``"beam"``.
      classes: event classes and their shares.
      spectrum: of the neutrinos, as in :class:`InteractionConfig`; ``"produced"`` is that of the
        public events.
    """

    topology: str = "beam"
    classes: Classes = EQUAL_SHARES
    spectrum: str = "produced"

    def __post_init__(self) -> None:
        for name, known in (("topology", TOPOLOGIES), ("spectrum", SPECTRA)):
            if getattr(self, name) not in known:
                raise InputError(
                    f"{name} is {getattr(self, name)!r}: choose one of {', '.join(known)}"
                )
        check_classes(self.classes, DUNE_EVENT_CLASSES)


def begin(
    bank: ParticleBank,
    config: DuneConfig,
    detector: FarDetector,
    event_class: str,
    rng: np.random.Generator,
) -> Origin:
    """Adds the primaries of one event to ``bank``, at time 0, anywhere in the fiducial box.

    Args:
      bank: other events' primaries so far, not yet carried anywhere.
      config: what to generate.
      detector: where.
      event_class: of :data:`~jaxsparse.detectors.dune.DUNE_EVENT_CLASSES`.
      rng: random numbers.

    >>> from jaxsparse.simulate.dune.detector import DUNE_FAR
    >>> bank = ParticleBank(DUNE_FAR.world)
    >>> begin(bank, DuneConfig(), DUNE_FAR, "nc", np.random.default_rng(1)).topology
    'NC'
    """
    asked = InteractionConfig(
        beam="dune", target="argon", event_classes=(event_class,), shares=(1.0,),
        spectrum=config.spectrum, beam_direction=detector.beam_direction,
    )  # fmt: skip
    interaction = draw_interaction(asked, rng)
    vertex = rng.uniform(detector.fiducial_low, detector.fiducial_high)
    add_interaction(bank, interaction, vertex, 0.0)
    return Origin(event_class, topology(interaction), interaction.energy)


def topology(interaction: Interaction) -> str:
    """What happened in the words of the public events: no mode for neutral currents, no MEC."""
    if interaction.event_class == "nc":
        return "NC"
    mode = interaction.mode if interaction.mode in DUNE_INTERACTIONS else "other"
    return f"{interaction.event_class} CC {mode} {interaction.tau_decay}".rstrip()
