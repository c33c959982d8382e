"""Classes that something is of, or is called: a file need not know all classes of its detector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def used_classes(metrics: Mapping[str, Any], classes: Sequence[str]) -> list[str]:
    """The classes of tables and plots: those with a pixel, event or instance, true or predicted.

    Args:
      metrics: values of ``metrics.json``; without ``confusion`` all classes count.
      classes: their names, in the order of ``confusion``.

    Returns:
      Names in their order; all of them where nothing is of any class.

    >>> used_classes({"confusion": [[5, 0, 1], [0, 0, 0], [0, 0, 0]]}, ("muon", "pion", "photon"))
    ['muon', 'photon']
    """
    table = metrics.get("confusion")
    if table is None:
        return list(classes)
    # An instance may be called what none of its pixels is most of.
    grouped = ((metrics.get("grouping") or {}).get("clusters") or {}).get("per_class") or {}
    used = [
        name
        for number, name in enumerate(classes)
        if any(table[number])
        or any(row[number] for row in table)
        or any(grouped.get(name, {}).get(key) for key in ("number", "predicted"))
    ]
    return used or list(classes)


def with_used_classes(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Figures whose ``classes``, ``colours`` and ``confusion`` have the used classes alone.

    >>> figures = {"classes": ["muon", "pion"], "colours": ["red", "blue"]}
    >>> with_used_classes({**figures, "confusion": [[4, 0], [0, 0]]})
    {'classes': ['muon'], 'colours': ['red'], 'confusion': [[4]]}
    """
    classes = metrics["classes"]
    used = set(used_classes(metrics, classes))
    rows = [number for number, name in enumerate(classes) if name in used]
    shown = {**metrics, "classes": [classes[row] for row in rows]}
    if metrics.get("colours"):
        shown["colours"] = [metrics["colours"][row] for row in rows]
    if metrics.get("confusion") is not None:
        shown["confusion"] = [[metrics["confusion"][i][j] for j in rows] for i in rows]
    return shown
