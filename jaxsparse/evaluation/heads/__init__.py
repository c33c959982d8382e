"""What is asked of each output of a network: its metrics, its predictions, its pictures."""

from jaxsparse.evaluation.heads.event import EventHead
from jaxsparse.evaluation.heads.head import EvaluatedHead
from jaxsparse.evaluation.heads.semantic import SemanticHead

HEADS: dict[str, type[EvaluatedHead]] = {
    "event": EventHead,
    "semantic": SemanticHead,
}

__all__ = ["HEADS", "EvaluatedHead", "EventHead", "SemanticHead"]
