"""Simulated two-view events by number: a random-access source like every reader."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from jaxsparse.data.schema import Event
from jaxsparse.detectors.nova import NOVA_EVENT_CLASSES, NOVA_SHAPE, NOVA_VIEWS
from jaxsparse.simulate.blocks import BlockEvents, make_block
from jaxsparse.simulate.event_classes import Origin
from jaxsparse.simulate.nova.detector import NOVA_FAR, CellDetector
from jaxsparse.simulate.nova.generator import (
    ScintillatorConfig,
    begin,
    draw_class,
)
from jaxsparse.simulate.nova.pixel_maps import pixel_maps
from jaxsparse.simulate.nova.response import make_hits
from jaxsparse.simulate.nova.truth import photons_of_pions, pixel_classes
from jaxsparse.simulate.transport.bank import ParticleBank
from jaxsparse.simulate.transport.truth import primaries_of
from jaxsparse.simulate.wire_chamber.response import interaction_vertices

BLOCK = 64  # events that are carried together


@dataclasses.dataclass(frozen=True)
class ScintillatorEvents(BlockEvents):
    """Event ``i`` depends on the settings and ``(seed, i)`` only, whoever makes it.

    Sixty-four neighbours are made at once, many times as fast as one by one: reading in order
    is cheap, reading at random makes all of them for one.

    Attributes:
      generator: what happens in the detector.
      seed: of everything.
      detector: the cells.

    >>> source = ScintillatorEvents(ScintillatorConfig("electron"))
    >>> event = source[3]
    >>> event.event_id, event.topology, event.views["XZ"].shape
    (3, 'electron', (100, 80))
    """

    block_size: ClassVar[int] = BLOCK

    generator: ScintillatorConfig
    seed: int = 0
    detector: CellDetector = NOVA_FAR

    @property
    def view_shapes(self) -> dict[str, tuple[int, ...]]:
        """Full image shape by view."""
        return dict.fromkeys(NOVA_VIEWS, NOVA_SHAPE)

    def make(self, number: int) -> list[Event]:
        """Makes the events of a block; those of which too little is seen are drawn again."""
        config, detector = self.generator, self.detector
        least = config.least_hits if config.topology == "beam" else 0
        return make_block(
            self.seed,
            number,
            self.block_size,
            detector.world,
            draw_class=lambda rng: draw_class(config, rng),
            begin=lambda bank, event_class, rng: begin(bank, config, event_class, rng),
            finish=lambda bank, first, origins, rng: make_events(
                bank, first, origins, detector, rng
            ),
            seen=lambda event: sum(len(view) for view in event.views.values()) >= least,
            least=f"{least} pixels: lower least_hits",
        )


def make_events(
    bank: ParticleBank,
    first: np.ndarray,
    origins: Sequence[Origin],
    detector: CellDetector,
    rng: np.random.Generator,
) -> list[Event]:
    """What the detector makes of the events of a bank, each by itself.

    The particle table of an event holds its primaries, for all that they set off is theirs, and
    behind them the photons of its neutral pions, which are instances of their own: where these end
    says how far from the vertex the showers begin.

    Args:
      bank: primaries first, event by event; carried to their ends.
      first: int ``[events + 1]``, row of the first primary of every event, and their number.
      origins: of every event.
      detector: the cells.
      rng: of light and electronics.
    """
    particles = bank.particles
    parent = particles["parent"]
    primary = primaries_of(parent)
    event = np.repeat(np.arange(len(origins)), np.diff(first))
    photons = photons_of_pions(particles, int(first[-1]))
    ends_of_chains = parent.copy()
    ends_of_chains[photons] = -1
    instance = primaries_of(ends_of_chains)
    hits = make_hits(bank.deposits(), particles["pdg"], instance, primary, event, detector, rng)

    kept = np.concatenate([np.arange(first[-1]), photons])
    kept = kept[np.argsort(event[primary[kept]], kind="stable")]
    begins = np.searchsorted(event[primary[kept]], np.arange(len(origins) + 1))
    row = np.full(len(particles), -1)  # in the table of the event
    row[kept] = np.arange(len(kept)) - begins[event[primary[kept]]]
    table = particles[kept]
    table["label"] = pixel_classes(particles["pdg"][primary[kept]])
    table["parent"] = np.where(parent[kept] < 0, -1, row[parent[kept]])
    table["instance"] = row[kept]
    named = np.where(hits.instance < 0, -1, row[hits.instance])
    hits = dataclasses.replace(hits, instance=named)
    ends = np.searchsorted(hits.event, np.arange(len(origins) + 1))
    events = []
    for number, origin in enumerate(origins):
        own = table[begins[number] : begins[number + 1]]
        own_hits = hits.take(slice(ends[number], ends[number + 1]))
        vertices = interaction_vertices(own)[:, :3]
        name = origin.event_class
        events.append(
            Event(
                event_id=number,
                views=pixel_maps(own_hits, own, vertices, detector),
                particles=own.copy(),
                label=NOVA_EVENT_CLASSES.index(name) if name else -1,
                topology=origin.topology,
                energy=origin.energy,
            )
        )
    return events
