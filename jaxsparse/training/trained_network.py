"""What a trained network is, wherever it was read from."""

from __future__ import annotations

from typing import Any, NamedTuple

from ml_collections import ConfigDict

from jaxsparse import models


class Trained(NamedTuple):
    """A trained network.

    Attributes:
      config: of the run, as :func:`portable` makes it.
      network: for one device.
      variables: ``params`` and ``batch_stats``.
      step: that they are of.
    """

    config: ConfigDict
    network: models.Network
    variables: dict[str, Any]
    step: int


def portable(config: ConfigDict) -> ConfigDict:
    """A copy whose network leaves it to the machine how it is computed.

    The data flow that a training chose need not serve on another machine.

    Args:
      config: of a run.

    >>> from jaxsparse.training.config import default_config
    >>> config = default_config()
    >>> config.model.implementation = "table"
    >>> portable(config).model.implementation, config.model.implementation
    ('auto', 'table')
    """
    config = config.copy_and_resolve_references()
    if "implementation" in config.model:
        config.model.implementation = "auto"
    return config
