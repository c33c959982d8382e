"""Simulates an event file.

    jaxsparse simulate --out=train.h5 --events=1000 --views=Y

``--detector`` chooses a liquid-argon wire chamber, a two-view scintillator or the pixel maps of a
liquid-argon far detector. Event i is the same whatever the number of workers and whichever other
events are made. The file appears when it is whole; what was there before stays until then.
"""

from __future__ import annotations

import itertools
import time
from typing import Any

import numpy as np
from absl import flags

import jaxsparse
from jaxsparse import command_line, detectors
from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.progress import with_progress
from jaxsparse.data.summary import ViewSummary
from jaxsparse.simulate.parallel import all_cores, ordered_map
from jaxsparse.simulate.samples import define_flags as define_sample_flags
from jaxsparse.simulate.samples import sample

MOST_EVENTS = 2**62  # numbers of events are int64: the sum of --first_event and --events is one


def main(_: list[str]) -> None:
    """Entry point of the command line."""
    values = flags.FLAGS
    chosen = sample(values)
    numbers = range(values.first_event, values.first_event + values.events)
    workers = max(min(values.workers or all_cores(), chosen.num_portions(numbers)), 1)
    shapes = chosen.source.view_shapes
    detector = detectors.find(chosen.detector)
    class_names = detector.pixel_classes.names
    summaries = {}
    for name, shape in shapes.items():
        known = detector.view(name, len(shape))
        low, high = known.low, known.high
        summaries[name] = ViewSummary(shape, len(class_names), low, high, geometry=False)
    made_by = {
        "program": "jaxsparse simulate",
        "version": jaxsparse.__version__,
        **chosen.options,
        "seed": values.seed,
        "first_event": values.first_event,
    }
    begin = time.perf_counter()
    with EventWriter(
        values.out, detector=chosen.detector, views=shapes, made_by=made_by, **chosen.layout
    ) as writer:
        made = ordered_map(chosen.make, chosen.portions(numbers), workers=workers)
        events = itertools.chain.from_iterable(made)
        for event in with_progress(events, len(numbers), "simulating"):
            writer.append(event)
            for name, view in event.views.items():
                summaries[name].add(view)
    seconds = time.perf_counter() - begin

    print(f"{values.out}: {len(numbers)} events of {chosen.detector}, {chosen.options['topology']}")
    for name, summary in summaries.items():
        if summary.classes is not None:
            print(f"{name}: {summary.class_line(class_names)}")
        elif summary.total:
            median = int(np.median(summary.sites))
            print(f"{name}: {median} pixels in a median event, mean value {summary.value_mean:.1f}")
    # The same events and clock as the bar's rate, but for the closing of the file.
    print(
        f"{len(numbers) / seconds:.1f} events/s on average with {workers} workers, from their "
        f"start to the whole file ({seconds:.1f} s)"
    )


def define_flags() -> None:
    define_sample_flags()
    command_line.define_path("out", None, "event file to write")
    bounds: Any = {"lower_bound": 0, "upper_bound": MOST_EVENTS}
    flags.DEFINE_integer("events", None, "how many events", **bounds)
    flags.DEFINE_integer("first_event", 0, "number of the first event", **bounds)
    flags.DEFINE_integer("workers", 0, "processes; 0 is one a core", lower_bound=0, upper_bound=512)
    flags.mark_flags_as_required(["out", "events"])
