"""What is asked of each output of a network: its metrics, its predictions, its pictures."""

from jaxsparse.evaluation.heads.event import EventHead
from jaxsparse.evaluation.heads.head import EvaluatedHead
from jaxsparse.evaluation.heads.semantic import SemanticHead
from jaxsparse.evaluation.heads.vertex import VertexHead

# Particles, of heads that tell them, are evaluated with the pixels of "semantic" that they have.
HEADS: dict[str, type[EvaluatedHead]] = {
    "event": EventHead,
    "semantic": SemanticHead,
    "vertex": VertexHead,
}

__all__ = ["HEADS", "EvaluatedHead", "EventHead", "SemanticHead", "VertexHead"]
