"""What earlier versions wrote, in the words of this one: keys of configs, paths of parameters.

A run that an earlier version began is evaluated, or begun from with ``train.start_from``. It does
not go on: its events came in another order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from jaxsparse.settings import RENAMED

_HEADS = {
    "head": "heads/event",
    "final_norm": "heads/semantic/norm",
    "scores": "heads/semantic/scores",
}
_MERGE_STAGE = 3  # of a MobileNetV2 whose config does not say it


def has_old_paths(paths: Iterable[str]) -> bool:
    """Whether parameters are of before there were backbones and heads.

    Args:
      paths: of all variables, such as ``params/backbone/stem/weights``.
    """
    return not any(path.startswith("params/backbone/") for path in paths)


def parameter_path(old: str, model: Mapping[str, Any]) -> str:
    """Where a variable of a network of before backbones and heads lies in one with them.

    - what every view had by itself: ``stem_view_0`` stays, all else goes into ``tower_view_0``;
      without the number where one serves all views, or the network has one view only
    - what all views had together goes into ``merged``; ``last`` and ``last_norm`` stay
    - the last layers go into the heads: ``head`` is ``heads/event``, ``scores`` and ``final_norm``
      of UResNet are ``heads/semantic/scores`` and ``heads/semantic/norm``

    Args:
      old: path, with its collection: ``params/stage_0_view_1_block_0/project/weights``.
      model: the ``config.model`` it was trained with.

    >>> parameter_path("params/stage_0_view_1_block_0/project/weights", {"views": 2})
    'params/backbone/tower_view_1/stage_0_block_0/project/weights'
    >>> parameter_path("batch_stats/final_norm/mean", {})
    'batch_stats/heads/semantic/norm/mean'
    """
    collection, part, rest = old.split("/", 2)
    if part in _HEADS:
        return f"{collection}/{_HEADS[part]}/{rest}"
    found = re.search(r"_view_\d+", part)
    view = found[0] if found and model.get("views", 1) > 1 else ""
    part = re.sub(r"_view_\d+", "", part)
    stage = re.match(r"(head|stage)_(\d+)", part)
    if part in ("last", "last_norm"):
        place = part
    elif part == "stem":
        place = part + view
    elif stage and (stage[1] == "head" or int(stage[2]) >= model.get("merge_stage", _MERGE_STAGE)):
        place = f"merged/{part}"
    else:
        place = f"tower{view}/{part}"
    return f"{collection}/backbone/{place}/{rest}"


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
