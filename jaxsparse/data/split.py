"""Shares the events of a batch out so that all shares have about the same number of sites."""

from __future__ import annotations

import heapq
from collections.abc import Sequence


def split_by_sites(
    sites: Sequence[int], num_shares: int, *, slots: int | None = None
) -> list[list[int]]:
    """Largest event first, each to the share with fewest sites: even loads, the same every time.

    Any batch is legal: fewer events than shares leave shares empty.

    Args:
      sites: active sites of every event.
      num_shares: how many to make, one a device and micro-batch.
      slots: most events a share may hold; as few as there must be if None.

    Returns:
      Event positions of each share, in increasing order.

    >>> split_by_sites([100, 900, 500, 300], 2)
    [[0, 1], [2, 3]]
    """
    if num_shares == 1:
        return [list(range(len(sites)))]
    slots = -(-len(sites) // num_shares) if slots is None else slots
    shares: list[list[int]] = [[] for _ in range(num_shares)]
    # Ties go to the share with fewer events, so that empty events spread out too.
    loads = [(0, 0, share) for share in range(num_shares)]
    for event in sorted(range(len(sites)), key=lambda event: (-sites[event], event)):
        load, count, share = heapq.heappop(loads)
        shares[share].append(event)
        if count + 1 < slots:
            heapq.heappush(loads, (load + int(sites[event]), count + 1, share))
    return [sorted(share) for share in shares]
