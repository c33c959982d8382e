"""Images of deposits from elsewhere, for example Geant4's: placed, labelled, read out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from jaxsparse.data.event_numbers import event_number
from jaxsparse.data.schema import Event
from jaxsparse.data.source import DepositSource, EventSource
from jaxsparse.detectors.microboone import CLASS_NAMES, PLANES
from jaxsparse.errors import InputError
from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
from jaxsparse.simulate.microboone.overlay import with_cosmics
from jaxsparse.simulate.microboone.placement import place
from jaxsparse.simulate.transport.generator import GeneratorConfig
from jaxsparse.simulate.transport.truth import label_particles, unknown_processes
from jaxsparse.simulate.wire_chamber.chamber import WireChamber
from jaxsparse.simulate.wire_chamber.response import detector_response


class PlacedEvents(EventSource):
    """Detector images of events, each placed several times: a random-access source.

    Every placement turns the whole event so that its primary lies within 10 degrees of the beam,
    and puts it into the detector (:func:`~jaxsparse.simulate.microboone.placement.place`); what
    sticks out is cut off. Particles get their classes by the rule of
    :mod:`jaxsparse.simulate.transport.truth`. Image ``i`` shows event ``i // placements`` and
    depends on nothing but the seed and the two numbers; its ``event_id`` is ``i``.

    Args:
      deposits: the events.
      detector: whose response they get.
      placements: images an event.
      seed: of placement, noise and cosmics.
      views: wire planes, ``"voxels"`` and ``"row_voxels"``.
      dead_wires: by view; the detector's own by default.
      topology: what the events are said to be.
      cosmic_rate: simulated cosmic muons over every image, as a multiple of the intensity at the
        surface; 0 for none. The event itself is the same with them and without.
    """

    class_names = CLASS_NAMES

    def __init__(
        self,
        deposits: DepositSource,
        *,
        detector: WireChamber = MICROBOONE_CHAMBER,
        placements: int = 5,
        seed: int = 0,
        views: Sequence[str] = PLANES,
        dead_wires: Mapping[str, np.ndarray] | None = None,
        topology: str = "",
        cosmic_rate: float = 0.0,
    ):
        if placements < 1:
            raise InputError(f"placements is {placements}: must be at least 1")
        GeneratorConfig("cosmic", cosmic_rate=cosmic_rate)  # checks the rate
        self.cosmic_rate = cosmic_rate
        self.deposits = deposits
        self.files = deposits.files
        self.chamber, self.detector = detector, detector.name
        self.placements = placements
        self.seed = seed
        self.views = detector.check_views(views)
        self.view_shapes = {name: detector.view_shape(name) for name in self.views}
        self.dead = detector.dead_wires() if dead_wires is None else dict(dead_wires)
        self.topology = topology

    def __len__(self) -> int:
        return len(self.deposits) * self.placements

    def __getitem__(self, index: int) -> Event:
        where = f"{self.deposits.path}, placed {self.placements} times"
        index = event_number(index, len(self), where)
        number, placement = divmod(index, self.placements)
        deposits, particles = self.deposits[number]
        event = int(self.deposits.event_ids[number])
        turn, noise, sky = np.random.default_rng((self.seed, event, placement)).spawn(3)
        deposits, particles = place(deposits, label_particles(particles), self.chamber, turn)
        deposits, particles = with_cosmics(
            deposits, particles, self.cosmic_rate, self.chamber.world, sky
        )
        return detector_response(
            deposits,
            particles,
            self.chamber,
            noise,
            views=self.views,
            dead_wires=self.dead,
            event_id=index,
            topology=self.topology,
        )

    def dead_wires(self, name: str) -> np.ndarray:
        """int32: wires of a view without read-out."""
        return self.dead.get(name, np.zeros(0, np.int32))

    def notes(self) -> list[str]:
        """What the deposits' source says, and processes without a rule; reads all events."""
        return self.deposits.notes() + [
            f"process {code // 1000}/{code % 1000} of {count} particles has no rule: they get "
            "their parent's class"
            for code, count in self.unknown_processes().items()
        ]

    def unknown_processes(self) -> dict[int, int]:
        """Counts over all events of creation processes without a rule."""
        total: dict[int, int] = {}
        for number in range(len(self.deposits)):
            for code, count in unknown_processes(self.deposits[number][1]).items():
                total[code] = total.get(code, 0) + count
        return total
