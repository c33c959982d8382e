"""Simulated events by number: a random-access source like every reader."""

from __future__ import annotations

import dataclasses

import numpy as np

from jaxsparse.data.schema import Event
from jaxsparse.detectors.microboone import PLANES
from jaxsparse.simulate.transport.generator import GeneratorConfig, generate
from jaxsparse.simulate.wire_chamber.chamber import WireChamber
from jaxsparse.simulate.wire_chamber.response import detector_response


@dataclasses.dataclass(frozen=True)
class SimulatedEvents:
    """Event ``i`` depends on the settings and ``(seed, i)`` only, whoever makes it.

    Attributes:
      generator: what happens in the detector.
      detector: the chamber.
      seed: of everything but the dead wires.
      views: wire planes, ``"voxels"`` and ``"row_voxels"``.
      dead_wire_seed: which wires are dead, the same in every event; files to be compared should
        share it, as they would share a detector.

    >>> from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
    >>> electrons = GeneratorConfig("electron", cosmic_rate=0.0)
    >>> source = SimulatedEvents(electrons, MICROBOONE_CHAMBER, views=("Y",))
    >>> event = source[3]
    >>> event.event_id, event.topology, event.views["Y"].shape
    (3, 'electron', (1008, 3456))
    """

    generator: GeneratorConfig
    detector: WireChamber
    seed: int = 0
    views: tuple[str, ...] = PLANES
    dead_wire_seed: int = 0
    dead_wires: dict[str, np.ndarray] = dataclasses.field(init=False, compare=False)

    def __post_init__(self) -> None:
        self.detector.check_views(self.views)
        object.__setattr__(self, "dead_wires", self.detector.dead_wires(self.dead_wire_seed))

    @property
    def view_shapes(self) -> dict[str, tuple[int, ...]]:
        """Full image shape by view."""
        return {name: self.detector.view_shape(name) for name in self.views}

    def __getitem__(self, index: int) -> Event:
        """Event number ``index``, any number from 0."""
        physics, electronics = np.random.default_rng((self.seed, index)).spawn(2)
        deposits, particles, topology = generate(self.generator, self.detector.world, physics)
        return detector_response(
            deposits,
            particles,
            self.detector,
            electronics,
            views=self.views,
            dead_wires=self.dead_wires,
            event_id=index,
            topology=topology,
        )
