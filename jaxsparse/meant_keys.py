"""Which keys of a config a word is meant as, where the flag that was typed is none."""

from __future__ import annotations

import difflib

from jaxsparse.settings import SETTINGS

KEYS = tuple(f"{group}.{name}".lstrip(".") for group, table in SETTINGS.items() for name in table)
GROUPS = frozenset(key.partition(".")[0] for key in KEYS if "." in key) | {"model"}
_SHORT = {
    "batch": "train.batch_size",
    "data": "data.train",
    "depth": "model.depth",
    "filters": "model.filters",
    "lr": "optimizer.learning_rate",
    "model": "model.name",
    "network": "model.name",
    "optimizer": "optimizer.name",
    "preset": "model.preset",
    "val": "data.validation",
}
_LAST = {key.rpartition(".")[2] for key in KEYS}
_MOST, _LIKE = 3, 0.85  # keys that are named for one word; how much alike two words are


def meant_keys(word: str) -> tuple[str, ...]:
    """Keys that a word says without their group, or by a usual short name.

    Args:
      word: a flag or a key, without its value.

    Returns:
      Keys with their groups; none where nothing is near. Of a network's own keys only the usual
      ones are known, for the others it would have to be loaded.

    >>> meant_keys("steps"), meant_keys("train.steps"), meant_keys("batch-size"), meant_keys("lr")
    (('train.steps',), ('train.steps',), ('train.batch_size',), ('optimizer.learning_rate',))
    >>> meant_keys("model.filters"), meant_keys("batchsize"), meant_keys("wokdir")
    (('model.filters',), ('train.batch_size',), ())
    """
    word = word.replace("-", "_")
    if word in KEYS or word.startswith("model."):
        return (word,)
    if word in _SHORT:
        return (_SHORT[word],)
    near = difflib.get_close_matches(word.rpartition(".")[2], _LAST, n=1, cutoff=_LIKE)
    last = near[0] if near else ""
    return tuple(key for key in KEYS if key.rpartition(".")[2] == last)[:_MOST]


def as_meant(word: str, text: str | None) -> str:
    """:func:`meant_keys` as they are typed, with the value; empty where there are none.

    >>> as_meant("steps", "10"), as_meant("config", None)
    ('--config.train.steps=10', '')
    """
    value = "" if text is None else f"={text}"
    return " or ".join(f"--config.{key}{value}" for key in meant_keys(word))
