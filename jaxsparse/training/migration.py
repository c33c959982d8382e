"""Configs of earlier versions: read as what they stand for, so that their networks serve on.

``settings.RENAMED`` has the keys that are gone. A run that an earlier version began is evaluated,
or begun from with ``train.start_from``; it does not go on, for its events come in another order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jaxsparse.settings import RENAMED


def is_old(stored: Mapping[str, Any]) -> bool:
    """Whether a ``config.json`` is of an earlier version.

    >>> is_old({"data": {"view": "Y"}}), is_old({"data": {"views": ["Y"]}})
    (True, False)
    """
    groups = (key.split(".") for key in RENAMED)
    return any(key in stored.get(group, {}) for group, key in groups)


def translated(stored: dict[str, Any]) -> dict[str, Any]:
    """The content of a ``config.json`` with today's keys; itself where it has them.

    Args:
      stored: as JSON has it, with a group ``data``.

    >>> old = {"task": "segmentation", "data": {"view": "U", "feature_scale": 25.0, "low": 10.0}}
    >>> translated(old)["data"]
    {'low': 10.0, 'views': ['U'], 'mean': 0.0, 'std': 25.0}
    """
    if not is_old(stored):
        return stored
    data = dict(stored["data"])
    view, scale = data.pop("view", "Y"), data.pop("feature_scale", 50.0)
    if stored.get("task", "segmentation") == "segmentation":  # of whole events they said nothing
        data |= {"views": [view], "mean": 0.0, "std": scale}
    return {**stored, "data": data}
