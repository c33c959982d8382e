"""Small frame archives in Wire-Cell's layout, written from its description alone."""

from __future__ import annotations

import io
import tarfile
from typing import Any

import numpy as np


def npy(array):
    data = io.BytesIO()
    np.save(data, array)
    return data.getvalue()


def arrays(ident, samples, channels, *, tag="gauss1", start=0, masks=()):
    """Members of one frame by name; ``masks`` are (channel, first tick, last tick)."""
    return {
        f"frame_{tag}_{ident}.npy": npy(samples),
        f"channels_{tag}_{ident}.npy": npy(np.array(channels, np.int32)),
        f"tickinfo_{tag}_{ident}.npy": npy(np.array([0.0, 500.0, start])),
        f"summary_{tag}_{ident}.npy": npy(np.zeros(len(channels))),
        f"chanmask_bad_{ident}.npy": npy(np.array(masks, np.int32).reshape(-1, 3)),
    }


def write_archive(path, *frames):
    """A tar file of the members of all frames, compressed as the name's ending says."""
    ending = path.suffix.removeprefix(".")
    mode: Any = f"w:{ending if ending != 'tar' else ''}"
    with tarfile.open(path, mode) as archive:
        for members in frames:
            for name, data in members.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    return path
