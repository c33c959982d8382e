"""The simulator with one of its assumptions changed, and the same events under all of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxsparse.data.schema import Event
from jaxsparse.data.windows import corners, cut, square
from jaxsparse.simulate.ionization import ModifiedBox
from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
from jaxsparse.simulate.transport.generator import GeneratorConfig, generate
from jaxsparse.simulate.wire_chamber.chamber import WireChamber
from jaxsparse.simulate.wire_chamber.response import detector_response


@dataclasses.dataclass(frozen=True)
class Variation:
    """A chamber that differs from MicroBooNE's in one respect.

    Attributes:
      name: of the file and in the tables.
      what: is changed, and where the size of the change is from.
      chamber: with the change.
      dead_wire_seed: which wires are dead.
    """

    name: str
    what: str
    chamber: WireChamber = MICROBOONE_CHAMBER
    dead_wire_seed: int = 0


NOMINAL = Variation("nominal", "the simulator as it is")


def _changed(name: str, what: str, **changes: Any) -> Variation:
    return Variation(name, what, dataclasses.replace(MICROBOONE_CHAMBER, **changes))


def _electronics(name: str, what: str, *, gain: float = 1.0, noise: float = 1.0) -> Variation:
    """Another gain multiplies charge and noise; the mask and the saturation stay."""
    planes = tuple(
        dataclasses.replace(plane, noise=plane.noise * gain * noise)
        for plane in MICROBOONE_CHAMBER.planes
    )
    per_adc = MICROBOONE_CHAMBER.electrons_per_adc / gain
    return _changed(name, what, planes=planes, electrons_per_adc=per_adc)


def _diffusion(name: str, what: str, along: float, across: float) -> Variation:
    """Coefficients in cm^2/s."""
    return _changed(name, what, diffusion_along=along * 1e-6, diffusion_across=across * 1e-6)


def _hadrons(name: str, what: str, rate: float) -> Variation:
    world = dataclasses.replace(MICROBOONE_CHAMBER.world, hadron_rate=rate)
    return _changed(name, what, world=world)


# The sizes are measured uncertainties where there are any, else our choice: docs/robustness.md.
VARIATIONS = (
    NOMINAL,
    _electronics("gain_up", "gain +5 %, noise with it (choice)", gain=1.05),
    _electronics("gain_down", "gain -5 %, noise with it (choice)", gain=0.95),
    _changed(
        "recombination_up",
        "alpha 0.95, beta 0.210: more charge, by ArgoNeuT's errors of 0.02 and 0.002",
        recombination=ModifiedBox(0.95, 0.210),
    ),
    _changed(
        "recombination_down",
        "alpha 0.91, beta 0.214: less charge, by the same errors",
        recombination=ModifiedBox(0.91, 0.214),
    ),
    _changed(
        "recombination_microboone",
        "alpha 0.92, beta 0.184: MicroBooNE's own fit, 3 % more charge of a MIP, 9 % of a proton",
        recombination=ModifiedBox(0.92, 0.184),
    ),
    _diffusion(
        "diffusion_up",
        "D_L 4.02 cm^2/s (its error, +0.28), D_T 9.8 (Wire-Cell's settings)",
        4.02,
        9.8,
    ),
    _diffusion(
        "diffusion_down",
        "D_L 3.45 cm^2/s (its error, -0.29), D_T 3.5 (the same factor; choice)",
        3.45,
        3.5,
    ),
    _electronics("noise_up", "noise +20 % (choice)", noise=1.2),
    _electronics("noise_down", "noise -20 % (choice)", noise=0.8),
    Variation("other_dead_wires", "10 % of the wires dead, but others", dead_wire_seed=1),
    _changed("fewer_dead_wires", "5 % of the wires dead (choice)", dead_fraction=0.05),
    _changed("more_dead_wires", "15 % of the wires dead (choice)", dead_fraction=0.15),
    _hadrons("hadrons_up", "hadrons interact 20 % more often (choice)", 1.2),
    _hadrons("hadrons_down", "hadrons interact 20 % less often (choice)", 0.8),
)


@dataclasses.dataclass(frozen=True)
class VariedEvents:
    """The same events under several variations: event ``i`` is a list, one for each.

    Particles, and what they leave, are the same under all variations of the response. The noise is
    drawn from the same stream, but pixel by pixel anew. Where hadrons interact more or less often
    the vertex and its particles are the same, and what becomes of them is not.

    Of every plane a square about the interaction is kept, the same square under all variations that
    have the same particles: no pixel comes or goes because another window is looked at.

    Attributes:
      variations: what is varied.
      generator: what happens in the detector.
      seed: of the events.
      views: wire planes.
      side: of the squares, pixels.

    >>> events = VariedEvents(VARIATIONS[:2], GeneratorConfig("electron", cosmic_rate=0.0), 1)
    >>> plain, loud = (event.views["Y"] for event in events[0])
    >>> bool(loud.values.sum() > plain.values.sum()), plain.shape
    (True, (512, 512))
    """

    variations: Sequence[Variation]
    generator: GeneratorConfig
    seed: int
    views: tuple[str, ...] = ("Y",)
    side: int = 512

    @property
    def view_shapes(self) -> dict[str, tuple[int, ...]]:
        """Of the squares by view."""
        return {name: square(MICROBOONE_CHAMBER.view_shape(name), self.side) for name in self.views}

    def __getitem__(self, index: int) -> list[Event]:
        """Event number ``index``, any number from 0, under every variation."""
        made, squares, events = {}, {}, []
        for variation in self.variations:
            chamber = variation.chamber
            physics, electronics = np.random.default_rng((self.seed, index)).spawn(2)
            if chamber.world not in made:
                made[chamber.world] = generate(self.generator, chamber.world, physics)
            deposits, particles, topology = made[chamber.world]
            event = detector_response(
                deposits,
                particles,
                chamber,
                electronics,
                views=self.views,
                dead_wires=chamber.dead_wires(variation.dead_wire_seed),
                event_id=index,
                topology=topology,
            )
            if chamber.world not in squares:
                squares[chamber.world] = corners(event, self.side, seed=self.seed, number=index)
            events.append(cut(event, squares[chamber.world], self.side))
        return events
