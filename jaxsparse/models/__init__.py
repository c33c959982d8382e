"""Networks, composed of :mod:`jaxsparse.nn` blocks, and the way from a config to them."""

from jaxsparse.models.fishnet import FishNet
from jaxsparse.models.mobilenet import MobileNetV2
from jaxsparse.models.registry import MODELS, build, geometry_of
from jaxsparse.models.uresnet import UResNet

__all__ = ["MODELS", "FishNet", "MobileNetV2", "UResNet", "build", "geometry_of"]
