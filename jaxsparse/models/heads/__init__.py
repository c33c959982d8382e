"""Heads: from the features of a backbone to an output of the network."""

from jaxsparse.models.heads.edges import EdgeHead, EdgeScores
from jaxsparse.models.heads.embedding import EmbeddingHead, EmbeddingScores
from jaxsparse.models.heads.event import EventHead
from jaxsparse.models.heads.head import Head
from jaxsparse.models.heads.instance import InstanceHead, InstanceScores
from jaxsparse.models.heads.semantic import SemanticHead
from jaxsparse.models.heads.vertex import VertexHead

HEADS: dict[str, type[Head]] = {
    "edges": EdgeHead,
    "embedding": EmbeddingHead,
    "event": EventHead,
    "instance": InstanceHead,
    "semantic": SemanticHead,
    "vertex": VertexHead,
}

__all__ = [
    "HEADS",
    "EdgeHead",
    "EdgeScores",
    "EmbeddingHead",
    "EmbeddingScores",
    "EventHead",
    "Head",
    "InstanceHead",
    "InstanceScores",
    "SemanticHead",
    "VertexHead",
]
