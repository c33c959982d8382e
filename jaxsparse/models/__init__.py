"""Networks: a backbone and heads, composed of :mod:`jaxsparse.nn` blocks, from a config."""

from jaxsparse.models.backbones import (
    BACKBONES,
    Backbone,
    Features,
    FishNet,
    LiftedUResNet,
    MobileNetV2,
    UResNet,
)
from jaxsparse.models.heads import (
    HEADS,
    EdgeHead,
    EdgeScores,
    EmbeddingHead,
    EmbeddingScores,
    EventHead,
    Head,
    InstanceHead,
    InstanceScores,
    SemanticHead,
    VertexHead,
)
from jaxsparse.models.network import Network
from jaxsparse.models.registry import (
    build,
    defaults,
    geometry_of,
    init_variables,
    initializer,
    view_axes,
)

__all__ = [
    "BACKBONES",
    "HEADS",
    "Backbone",
    "EdgeHead",
    "EdgeScores",
    "EmbeddingHead",
    "EmbeddingScores",
    "EventHead",
    "Features",
    "FishNet",
    "Head",
    "InstanceHead",
    "InstanceScores",
    "LiftedUResNet",
    "MobileNetV2",
    "Network",
    "SemanticHead",
    "UResNet",
    "VertexHead",
    "build",
    "defaults",
    "geometry_of",
    "init_variables",
    "initializer",
    "view_axes",
]
