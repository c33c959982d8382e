"""What an event file holds, in one word: the same for a copy, whatever its name or compression."""

from __future__ import annotations

import hashlib

import numpy as np

from jaxsparse.data.bad_events import read_all, unreadable
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.spread_out import spread_out

SAMPLED = 64  # events whose pixels are looked at


def fingerprint(source: EventFile) -> str:
    """32 hexadecimal digits, equal for files that a training could not tell from each other.

    It takes in the names of classes and views, of *every* event its identifier, class, energy and
    number of pixels in each view, and of 64 events, spread evenly over the file, all pixels with
    their truth and links, and particles. That is some megabytes to read, however large the file is.
    What it does not see is an edit of single pixels that leaves their number as it was.

    Args:
      source: an event file.
    """
    digest = hashlib.blake2b(digest_size=16)

    def add(*parts: object) -> None:
        for part in parts:
            array = np.asarray(part)
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())

    names = repr((source.class_names, source.event_classes, sorted(source.view_shapes.items())))
    add(np.frombuffer(names.encode(), np.uint8))
    add(source.event_ids, source.event_labels, source.event_energy)
    sample = spread_out(len(source), SAMPLED)
    # Those that cannot be read are for whoever trains on it to say.
    bad = unreadable(sample, lambda events: read_all(source, events, source.view_shapes))
    sample = sample[~np.isin(sample, list(bad))]
    for name in sorted(source.view_shapes):
        add(source.num_pixels(name))
        pixels = source.read_pixels(sample, name)
        columns = {"coords": pixels.coords, "values": pixels.values, **pixels.columns}
        for column in sorted(columns):
            add(np.frombuffer(column.encode(), np.uint8), columns[column])
        for to in sorted(source.linked_views(name)):
            links = source.read_links(sample, name, to)
            add(np.frombuffer(to.encode(), np.uint8), links.offsets, links.rows, links.shares)
    add(*source.read_particles(sample))
    return digest.hexdigest()
