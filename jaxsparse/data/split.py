"""Shares the events of a batch out to devices so that all have about the same number of sites."""

from __future__ import annotations

import heapq
from collections.abc import Sequence


def split_by_sites(
    sites: Sequence[int], num_devices: int, *, slots: int | None = None
) -> list[list[int]]:
    """Largest event first, each to the device with fewest sites: even loads, the same every time.

    Any batch is legal: fewer events than devices leave devices empty.

    Args:
      sites: active sites of every event.
      num_devices: how many shares to make.
      slots: most events a share may hold; as few as there must be if None.

    Returns:
      Event positions of each device, in increasing order.

    >>> split_by_sites([100, 900, 500, 300], 2)
    [[0, 1], [2, 3]]
    """
    if num_devices == 1:
        return [list(range(len(sites)))]
    slots = -(-len(sites) // num_devices) if slots is None else slots
    shares: list[list[int]] = [[] for _ in range(num_devices)]
    # Ties go to the device with fewer events, so that empty events spread out too.
    loads = [(0, 0, device) for device in range(num_devices)]
    for event in sorted(range(len(sites)), key=lambda event: (-sites[event], event)):
        load, count, device = heapq.heappop(loads)
        shares[device].append(event)
        if count + 1 < slots:
            heapq.heappush(loads, (load + int(sites[event]), count + 1, device))
    return [sorted(share) for share in shares]
