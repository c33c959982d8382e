"""Simulates an event file: ``python -m jaxsparse.data.simulate --out=FILE --events=N``.

Event i is the same whatever the number of workers and whichever other events are made. The file
appears when it is whole; what was there before stays until then.
"""

from __future__ import annotations

import time

from absl import flags

import jaxsparse
from jaxsparse import command_line
from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.progress import with_progress
from jaxsparse.data.schema import CLASS_NAMES
from jaxsparse.data.simulate.detector import MICROBOONE
from jaxsparse.data.simulate.generator import GeneratorConfig
from jaxsparse.data.simulate.parallel import all_cores, ordered_map
from jaxsparse.data.simulate.source import SimulatedEvents
from jaxsparse.data.simulate.vertices import TOPOLOGIES
from jaxsparse.data.summary import MASK, ViewSummary


def main(_: list[str]) -> None:
    """Entry point of the command line."""
    values = flags.FLAGS
    source = SimulatedEvents(
        generator=GeneratorConfig(topology=values.topology, cosmic_rate=values.cosmic_rate),
        seed=values.seed,
        views=tuple(values.views),
        dead_wire_seed=values.dead_wire_seed,
    )
    workers = min(values.workers or all_cores(), max(values.events, 1))
    summaries = {}
    for name, shape in source.view_shapes.items():
        low, high = MASK if len(shape) == 2 else (0.0, float("inf"))
        summaries[name] = ViewSummary(shape, len(CLASS_NAMES), low, high, geometry=False)
    made_by = {
        "program": "jaxsparse.data.simulate",
        "version": jaxsparse.__version__,
        "topology": values.topology,
        "cosmic_rate": values.cosmic_rate,
        "seed": values.seed,
        "first_event": values.first_event,
        "dead_wire_seed": values.dead_wire_seed,
    }
    numbers = range(values.first_event, values.first_event + values.events)
    begin = time.perf_counter()
    with EventWriter(
        values.out,
        detector=source.detector.name,
        views=source.view_shapes,
        dead_wires=source.dead_wires,
        made_by=made_by,
    ) as writer:
        events = ordered_map(source.__getitem__, numbers, workers=workers)
        for event in with_progress(events, len(numbers), "simulating"):
            writer.append(event)
            for name, view in event.views.items():
                summaries[name].add(view)
    seconds = time.perf_counter() - begin

    print(f"{values.out}: {len(numbers)} events of {MICROBOONE.name}, {values.topology}")
    for name, summary in summaries.items():
        if summary.total:
            print(f"{name}: {summary.class_line(CLASS_NAMES)}")
    print(f"{len(numbers) / seconds:.1f} events/s with {workers} workers")


def _define_flags() -> None:
    views = ", ".join(MICROBOONE.view_names)
    flags.DEFINE_string("out", None, "event file to write")
    flags.DEFINE_integer("events", None, "how many events", lower_bound=0)
    flags.DEFINE_integer("seed", 0, "another seed makes other events", lower_bound=0)
    flags.DEFINE_enum("topology", "bomb", TOPOLOGIES, "what happens at the vertex")
    flags.DEFINE_float("cosmic_rate", 1.0, "cosmic muons, in units of the surface rate; 0 is none")
    flags.DEFINE_integer("first_event", 0, "number of the first event", lower_bound=0)
    flags.DEFINE_list("views", ["U", "V", "Y"], f"views to make, of {views}")
    flags.DEFINE_integer("workers", 0, "processes; 0 is one a core", lower_bound=0, upper_bound=512)
    flags.DEFINE_integer("dead_wire_seed", 0, "which wires are dead", lower_bound=0)
    flags.mark_flags_as_required(["out", "events"])


if __name__ == "__main__":
    _define_flags()
    command_line.run(main)
