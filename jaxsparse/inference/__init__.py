"""What a network says of a batch."""

from jaxsparse.inference.forward import Forward, make_forward, network_inputs
from jaxsparse.inference.predictor import Predictor

__all__ = ["Forward", "Predictor", "make_forward", "network_inputs"]
