"""A network with other fields, for tests."""

from typing import Any

from jaxsparse.models import Network


def variant(network: Network, heads: Any = None, **fields: Any) -> Network:
    """The network with other fields of its backbone, and other heads if they are given."""
    backbone = network.backbone.copy(**fields)
    return Network(backbone, network.heads if heads is None else heads)
