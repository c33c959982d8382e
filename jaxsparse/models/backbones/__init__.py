"""Backbones: from the views of an event to features per level and view."""

from jaxsparse.models.backbones.backbone import EVENT, PIXELS, Backbone, Features
from jaxsparse.models.backbones.fishnet import FishNet
from jaxsparse.models.backbones.lifted import LiftedUResNet
from jaxsparse.models.backbones.mobilenet import MobileNetV2
from jaxsparse.models.backbones.uresnet import UResNet

BACKBONES: dict[str, type[Backbone]] = {
    "fishnet": FishNet,
    "lifted_uresnet": LiftedUResNet,
    "mobilenet": MobileNetV2,
    "uresnet": UResNet,
}

__all__ = [
    "BACKBONES",
    "EVENT",
    "PIXELS",
    "Backbone",
    "Features",
    "FishNet",
    "LiftedUResNet",
    "MobileNetV2",
    "UResNet",
]
