"""Which trained network it is, and which run, in words and in checksums."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxsparse.training.arrays import by_path, sha256_of
from jaxsparse.training.trained_network import Trained
from jaxsparse.training.which_network import file_of_network


def identity_of(place: str | os.PathLike[str], trained: Trained) -> dict[str, Any]:
    """Facts that tell a network, by name; how it was called is none of them.

    Args:
      place: as it was called.
      trained: what was loaded from there.

    Returns:
      ``model_sha256``, of the bytes of its file, empty for a work
      directory; ``checkpoint_step``; ``weights_sha256``, of its config and its arrays.
    """
    config, arrays = trained.config.to_json(sort_keys=True), by_path(trained.variables)
    file = b"" if Path(place).is_dir() else file_of_network(place).read_bytes()
    return {
        "model_sha256": hashlib.sha256(file).hexdigest() if file else "",
        "checkpoint_step": int(trained.step),
        "weights_sha256": sha256_of(config, arrays),
    }


def run_sha256(run: Mapping[str, Any]) -> str:
    """What a run depends on, as 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(run, sort_keys=True).encode()).hexdigest()
