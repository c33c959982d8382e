"""Simulated pixel maps by number: a random-access source like every reader."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from jaxsparse.data.schema import Event
from jaxsparse.detectors.dune import DUNE_EVENT_CLASSES, DUNE_SIZE, DUNE_VIEWS
from jaxsparse.simulate.blocks import BlockEvents, make_block
from jaxsparse.simulate.dune.detector import DUNE_FAR, FarDetector
from jaxsparse.simulate.dune.generator import DuneConfig, begin
from jaxsparse.simulate.dune.pixel_maps import pixel_map
from jaxsparse.simulate.dune.response import drift, find_hits
from jaxsparse.simulate.event_classes import Origin, draw_class
from jaxsparse.simulate.transport.bank import ParticleBank
from jaxsparse.simulate.transport.truth import primaries_of

BLOCK = 16  # events that are carried together


@dataclasses.dataclass(frozen=True)
class DuneEvents(BlockEvents):
    """Event ``i`` depends on the settings and ``(seed, i)`` only, whoever makes it.

    Sixteen neighbours are made at once: reading in order is cheap, reading at random makes all of
    them for one. There is no truth of pixels, as in the public events.

    Attributes:
      generator: what happens in the detector.
      seed: of everything.
      detector: the chamber.

    >>> source = DuneEvents(DuneConfig(classes=(("nc", 1.0),)))
    >>> source.view_shapes["Z"]
    (500, 500)
    """

    block_size: ClassVar[int] = BLOCK

    generator: DuneConfig
    seed: int = 0
    detector: FarDetector = DUNE_FAR

    @property
    def view_shapes(self) -> dict[str, tuple[int, ...]]:
        """Full image shape by view."""
        return dict.fromkeys(DUNE_VIEWS, (DUNE_SIZE, DUNE_SIZE))

    def make(self, number: int) -> list[Event]:
        """Makes the events of a block; those that are too small for a map are drawn again."""
        config, detector = self.generator, self.detector
        return make_block(
            self.seed,
            number,
            self.block_size,
            detector.world,
            draw_class=lambda rng: draw_class(config.classes, rng),
            begin=lambda bank, event_class, rng: begin(bank, config, detector, event_class, rng),
            finish=lambda bank, first, origins, rng: make_events(
                bank, first, origins, detector, rng
            ),
            seen=lambda event: any(len(view) for view in event.views.values()),
            least=f"more than {detector.least_hits} hits: lower least_hits",
        )


def make_events(
    bank: ParticleBank,
    first: np.ndarray,
    origins: Sequence[Origin],
    detector: FarDetector,
    rng: np.random.Generator,
) -> list[Event]:
    """What the detector makes of the events of a bank; one with too few hits has empty views.

    Args:
      bank: primaries first, event by event; carried to their ends.
      first: int ``[events + 1]``, row of the first primary of every event, and their number.
      origins: of every event.
      detector: the chamber.
      rng: of diffusion and noise.
    """
    particles = bank.particles
    numbers = np.arange(len(origins))
    event = np.repeat(numbers, np.diff(first))[primaries_of(particles["parent"])]
    charges = drift(bank.deposits(), particles["pdg"], event, detector, rng)
    hits = {view.name: find_hits(charges, view, detector, rng) for view in detector.views}
    ends = {
        name: np.searchsorted(found.event, np.arange(len(origins) + 1))
        for name, found in hits.items()
    }
    enough = np.sum([np.diff(end) for end in ends.values()], axis=0) > detector.least_hits
    events = []
    for number, origin in enumerate(origins):
        views = {}
        for name in DUNE_VIEWS:
            begins, stops = ends[name][number : number + 2] * bool(enough[number])
            views[name] = pixel_map(hits[name].take(slice(begins, stops)), name == "V")
        label = DUNE_EVENT_CLASSES.index(origin.event_class)
        event = Event(number, views, label=label, topology=origin.topology, energy=origin.energy)
        events.append(event)
    return events
