"""Heads: from the features of a backbone to an output of the network."""

from jaxsparse.models.heads.event import EventHead
from jaxsparse.models.heads.head import Head
from jaxsparse.models.heads.semantic import SemanticHead

HEADS: dict[str, type[Head]] = {
    "event": EventHead,
    "semantic": SemanticHead,
}

__all__ = ["HEADS", "EventHead", "Head", "SemanticHead"]
