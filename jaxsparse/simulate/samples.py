"""What the command line can make: a sample of events for each kind of detector.

A sample is a source and what the event file says about it. Every detector has options of its own;
one that belongs to another detector is a mistake and is said so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from absl import flags

from jaxsparse import command_line
from jaxsparse.data.schema import Event
from jaxsparse.data.source import Numbered
from jaxsparse.data.windows import WindowedEvents
from jaxsparse.detectors.dune import DUNE_EVENT_CLASSES
from jaxsparse.detectors.nova import (
    NOVA_EVENT_CLASSES,
)
from jaxsparse.errors import InputError
from jaxsparse.simulate.dune import source as dune
from jaxsparse.simulate.dune.detector import DUNE_FAR
from jaxsparse.simulate.dune.generator import EQUAL_SHARES, DuneConfig
from jaxsparse.simulate.dune.generator import TOPOLOGIES as DUNE_TOPOLOGIES
from jaxsparse.simulate.event_classes import Classes
from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
from jaxsparse.simulate.neutrinos.generator import SPECTRA
from jaxsparse.simulate.nova import generator as scintillator
from jaxsparse.simulate.nova.detector import NOVA_FAR
from jaxsparse.simulate.nova.source import BLOCK, ScintillatorEvents
from jaxsparse.simulate.protodune.chamber import PROTODUNE_CHAMBER
from jaxsparse.simulate.transport.generator import GeneratorConfig
from jaxsparse.simulate.transport.vertices import TOPOLOGIES
from jaxsparse.simulate.wire_chamber.source import SimulatedEvents

DETECTORS = ("microboone", "protodune_hd", "nova", "dune")
CHAMBERS = {chamber.name: chamber for chamber in (MICROBOONE_CHAMBER, PROTODUNE_CHAMBER)}
DEFAULT_TOPOLOGY = {
    "microboone": "bomb",
    "protodune_hd": "published_bomb",
    "nova": "beam",
    "dune": "beam",
}
# Options that not every detector has, and those that have them.
OWN_OPTIONS = {
    "cosmic_rate": tuple(CHAMBERS),
    "views": tuple(CHAMBERS),
    "dead_wire_seed": tuple(CHAMBERS),
    "window": tuple(CHAMBERS),
    "classes": ("nova", "dune"),
    "spectrum": ("nova", "dune"),
}


@dataclasses.dataclass(frozen=True)
class Sample:
    """Events to write and what their file says of them.

    Attributes:
      source: the events; importable and picklable.
      together: events that a worker makes at once.
      detector: name for the file; one of :func:`jaxsparse.detectors.known`.
      options: for ``made_by``.
      layout: further arguments of :class:`~jaxsparse.data.event_writer.EventWriter`.
    """

    source: Numbered
    together: int
    detector: str
    options: dict[str, Any]
    layout: dict[str, Any]

    def portions(self, numbers: range) -> Iterator[range]:
        """Numbers of events, cut to what a worker makes at once."""
        return aligned(numbers, self.together)

    def num_portions(self, numbers: range) -> int:
        """How many there are, without making them: there may be billions."""
        first, end = numbers.start // self.together, -(-numbers.stop // self.together)
        return end - first if numbers else 0

    def make(self, numbers: range) -> list[Event]:
        """Events of a portion."""
        return [self.source[number] for number in numbers]


def aligned(numbers: range, size: int) -> Iterator[range]:
    """Cuts numbers where a multiple of ``size`` begins.

    >>> list(aligned(range(3, 9), 4))
    [range(3, 4), range(4, 8), range(8, 9)]
    """
    start = numbers.start
    while start < numbers.stop:
        stop = min((start // size + 1) * size, numbers.stop)
        yield range(start, stop)
        start = stop


def define_flags(values: flags.FlagValues = flags.FLAGS) -> None:
    """Defines the options that say what to simulate."""
    views = "; ".join(
        f"{name}: {', '.join(chamber.view_names)}" for name, chamber in CHAMBERS.items()
    )
    flags.DEFINE_enum(
        "detector", "microboone", DETECTORS, "what sees the events", flag_values=values
    )
    topologies = (
        f"what happens at the vertex; {' and '.join(CHAMBERS)}: {', '.join(TOPOLOGIES)}; "
        f"nova: {', '.join(scintillator.TOPOLOGIES)}; dune: {', '.join(DUNE_TOPOLOGIES)}"
    )
    flags.DEFINE_string("topology", None, topologies, flag_values=values)
    command_line.define_seed(0, "another seed makes other events", flag_values=values)
    flags.DEFINE_float(
        "cosmic_rate",
        1.0,
        "cosmic muons, in units of the surface rate; 0 is none",
        flag_values=values,
    )
    flags.DEFINE_list(
        "views", None, f"views to make, by default all planes; {views}", flag_values=values
    )
    flags.DEFINE_integer(
        "dead_wire_seed", 0, "which wires are dead", lower_bound=0, flag_values=values
    )
    flags.DEFINE_integer(
        "window",
        0,
        "keep of every wire plane a square of so many pixels that holds the interaction; "
        "0: whole planes",
        lower_bound=0,
        flag_values=values,
    )
    flags.DEFINE_string(
        "classes",
        None,
        "event classes and their shares; by default "
        f"{_listed(scintillator.CLASSES)} for nova, {_listed(EQUAL_SHARES)} for dune",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "spectrum",
        None,
        SPECTRA,
        "neutrinos as they arrive (nova's default), all of the beam turned into the class, or as "
        "the beam is made, nutau from its nue (dune's default)",
        flag_values=values,
    )


def sample(values: flags.FlagValues) -> Sample:
    """The sample that the options ask for.

    Raises:
      InputError: an option out of range, or one of another detector.
    """
    for name, owners in OWN_OPTIONS.items():
        if values.detector not in owners and not values[name].using_default_value:
            raise InputError(
                f"--{name} is an option of --detector={' or '.join(owners)}, not of "
                f"{values.detector}: leave it out"
            )
    topology = values.topology or DEFAULT_TOPOLOGY[values.detector]
    make = {
        **dict.fromkeys(CHAMBERS, _wire_chamber),
        "nova": _scintillator,
        "dune": _pixel_maps,
    }
    return make[values.detector](values, topology)


def _wire_chamber(values: flags.FlagValues, topology: str) -> Sample:
    chamber = CHAMBERS[values.detector]
    planes = tuple(plane.name for plane in chamber.planes)
    source = SimulatedEvents(
        generator=GeneratorConfig(topology=topology, cosmic_rate=values.cosmic_rate),
        detector=chamber,
        seed=values.seed,
        views=tuple(values.views or planes),
        dead_wire_seed=values.dead_wire_seed,
    )
    options = {
        "topology": topology,
        "cosmic_rate": values.cosmic_rate,
        "dead_wire_seed": values.dead_wire_seed,
    }
    whole = Sample(
        source=source,
        together=1,
        detector=source.detector.name,
        options=options,
        layout={
            "dead_wires": {
                name: dead for name, dead in source.dead_wires.items() if name in source.views
            }
        },
    )
    if not values.window:
        return whole
    if voxels := [name for name in chamber.voxel_names if name in source.views]:
        raise InputError(
            f"--window={values.window} with --views={','.join(source.views)}: windows are of wire "
            f"planes, leave {' and '.join(voxels)} out"
        )
    return dataclasses.replace(
        whole,
        source=WindowedEvents(source, values.window, values.seed),
        options={**options, "window": values.window},
        layout={},  # dead wires are numbers of wires of the whole plane
    )


def _scintillator(values: flags.FlagValues, topology: str) -> Sample:
    classes = parse_classes(values.classes) if values.classes else scintillator.CLASSES
    spectrum = values.spectrum or "oscillated"
    config = scintillator.ScintillatorConfig(topology=topology, classes=classes, spectrum=spectrum)
    source = ScintillatorEvents(config, seed=values.seed)
    return Sample(
        source=source,
        together=BLOCK,
        detector=NOVA_FAR.name,
        options={"topology": topology, "classes": dict(classes), "spectrum": spectrum},
        layout={
            "event_classes": NOVA_EVENT_CLASSES,
            "compression": "none",  # an event is a few hundred bytes: unpacking would be the cost
        },
    )


def _pixel_maps(values: flags.FlagValues, topology: str) -> Sample:
    classes = parse_classes(values.classes) if values.classes else EQUAL_SHARES
    spectrum = values.spectrum or "produced"
    config = DuneConfig(topology=topology, classes=classes, spectrum=spectrum)
    source = dune.DuneEvents(config, seed=values.seed)
    return Sample(
        source=source,
        together=dune.BLOCK,
        detector=DUNE_FAR.name,
        options={"topology": topology, "classes": dict(classes), "spectrum": spectrum},
        layout={"event_classes": DUNE_EVENT_CLASSES},
    )


def _listed(classes: Classes) -> str:
    return ",".join(f"{name}:{share:g}" for name, share in classes)


def parse_classes(text: str) -> Classes:
    """Event classes and shares from the command line.

    >>> parse_classes("numu:0.3,cosmic:0.1")
    (('numu', 0.3), ('cosmic', 0.1))
    """
    classes = []
    for part in text.split(","):
        name, _, share = part.partition(":")
        try:
            classes.append((name.strip(), float(share)))
        except ValueError:
            raise InputError(
                f"classes has {part!r}: write name:share, as in numu:0.5,nc:0.5"
            ) from None
    return tuple(classes)
