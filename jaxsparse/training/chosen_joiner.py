"""Which joiner of fragments a network is used with, and whether it fits."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from jaxsparse import pretrained
from jaxsparse.errors import InputError
from jaxsparse.inference.grouping import JOINED, grouping_of
from jaxsparse.inference.joiner import Joiner
from jaxsparse.training.head_arrays import class_names
from jaxsparse.training.model_file import fingerprint_of
from jaxsparse.training.trained_network import Trained

OWN, NONE = "own", "none"  # in place of a file: that of the network, and to go without


def chosen_joiner(
    asked: str | os.PathLike[str] | None, network: str | os.PathLike[str], grouping: str = ""
) -> str:
    """Which joiner is meant: a file or a name, as ``Joiner.read`` takes it; ``""`` for none.

    Args:
      asked: a file or a name; :data:`OWN`, the one that comes with a network that is called by its
        name; :data:`NONE` or None, to go without.
      network: as it was called.
      grouping: that was asked for; another one than ``joined`` goes without :data:`OWN`.

    >>> chosen_joiner("own", "microboone_panoptic"), chosen_joiner("own", "nova_panoptic")
    ('microboone_panoptic', '')
    >>> chosen_joiner("own", "microboone_panoptic", "linked"), chosen_joiner("none", "")
    ('', '')
    """
    if asked is None or str(asked).lower() in ("", NONE):
        return ""
    if str(asked).lower() != OWN:
        return str(asked)
    name = str(network)
    own = name in pretrained.joiners() and not Path(name).exists()
    return name if own and grouping in ("", JOINED) else ""


def announce_own(asked: str | os.PathLike[str] | None, chosen: str) -> None:
    """Prints that a network's own joiner is used, where nobody asked for one.

    Args:
      asked: of :func:`chosen_joiner`.
      chosen: what that gave.

    >>> announce_own("own", "microboone_panoptic")
    joiner: the one that comes with microboone_panoptic (--joiner=none goes without)
    """
    if chosen and str(asked).lower() == OWN:
        print(
            f"joiner: the one that comes with {chosen} (--joiner={NONE} goes without)", flush=True
        )


def _on_stderr(line: str) -> None:
    print(f"warning: {line}", file=sys.stderr)


def read_joiner(
    chosen: str, trained: Trained, warn: Callable[[str], None] = _on_stderr
) -> Joiner | None:
    """The joiner that was chosen for a network.

    Args:
      chosen: of :func:`chosen_joiner`.
      trained: the network.
      warn: takes a line if the joiner was trained with another network; files of earlier versions
        do not say with which.

    Raises:
      InputError: the network makes no fragments to join; it cannot be read, or was trained with
        other classes or in another order.
    """
    if not chosen:
        return None
    grouping_of("", trained.network.heads, joiner=True)
    joiner, classes = Joiner.read(chosen), class_names(trained.config, "semantic")
    if joiner.classes and classes and joiner.classes != classes:
        raise InputError(
            f"joiner is {chosen}, trained with the classes {', '.join(joiner.classes)}, but the "
            f"network has {', '.join(classes)}: train one with this network"
        )
    if joiner.network and joiner.network != fingerprint_of(trained):
        warn(
            f"joiner is {chosen}, trained with another network than this one: what it joins may be "
            "wrong, train one with this network"
        )
    return joiner
