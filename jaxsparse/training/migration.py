"""What earlier versions wrote, in the words of this one, so that their networks serve on.

``settings.RENAMED`` has the keys of configs that are gone. A run that an earlier version began is
evaluated, or begun from with ``train.start_from``; it does not go on, for its events come in
another order and its parameters had other names.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from typing import Any

from jaxsparse.settings import RENAMED, SETTINGS

_HEAD_OF_TASK = {"segmentation": "semantic", "classification": "event"}
_HEAD_FIELDS = ("num_classes", "pooling", "normalize_pooled", "dropout")
_VIEWS = 2  # of a classifier whose config does not say it
_HEADS = {
    "head": "heads/event",
    "final_norm": "heads/semantic/norm",
    "scores": "heads/semantic/scores",
}
_MERGE_STAGE = 3  # of a MobileNetV2 whose config does not say it


def is_old(stored: Mapping[str, Any]) -> bool:
    """Whether a ``config.json`` is of an earlier version.

    >>> is_old({"data": {"view": "Y"}}), is_old({"data": {"views": ["Y"]}})
    (True, False)
    """

    def has(key: str) -> bool:
        node: Any = stored
        for part in key.split("."):
            if not isinstance(node, Mapping) or part not in node:
                return False
            node = node[part]
        return True

    return any(map(has, RENAMED))


def translated(stored: dict[str, Any]) -> dict[str, Any]:
    """The content of a ``config.json`` with today's keys; itself where it has them.

    Args:
      stored: as JSON has it, with groups ``data`` and ``model``.

    >>> old = {"task": "segmentation", "model": {"name": "uresnet", "num_classes": 5},
    ...        "data": {"view": "U", "feature_scale": 25.0}, "loss": {"cluster_scale": 2.0}}
    >>> new = translated(old)
    >>> new["model"], new["data"]
    ({'name': 'uresnet', 'heads': {'semantic': {'num_classes': 5}}},
     {'views': ['U'], 'mean': 0.0, 'std': 25.0})
    >>> new["objectives"], new["main_head"]
    ({'semantic': {'cluster_scale': 2.0}}, 'semantic')
    """
    if not is_old(stored):
        return stored
    new = copy.deepcopy(stored)
    head = _HEAD_OF_TASK.get(new.pop("task", "segmentation"), "semantic")
    data, model, loss = new["data"], new["model"], new.pop("loss", {})
    view, scale = data.pop("view", "Y"), data.pop("feature_scale", 50.0)
    if head == "semantic":  # of whole events they said nothing
        data |= {"views": [view], "mean": 0.0, "std": scale}
    else:
        model.setdefault("views", _VIEWS)
    fields = {key: model.pop(key) for key in _HEAD_FIELDS if key in model}
    for key, value in model.items():
        model[key] = [] if value is None else value  # FishNet's planes and blocks of the preset
    model.setdefault("heads", {head: fields})
    if "name" in loss:
        loss["loss"] = loss.pop("name")
    known = SETTINGS[f"objectives.{head}"]
    new.setdefault("objectives", {head: {k: v for k, v in loss.items() if k in known}})
    new.setdefault("main_head", head)
    return new


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
