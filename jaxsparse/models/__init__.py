"""Networks, composed of :mod:`jaxsparse.nn` blocks, and the way from a config to them."""

from jaxsparse.models.registry import MODELS, build, geometry_of
from jaxsparse.models.uresnet import UResNet

__all__ = ["MODELS", "UResNet", "build", "geometry_of"]
