"""Squeeze-and-excitation: every channel weighed by what the whole event shows."""

from typing import Any

import flax.linen as nn
import jax
from jaxtyping import Array, Float

from jaxsparse.nn.blocks import BlockSettings
from jaxsparse.nn.dense_tensor import DenseTensor
from jaxsparse.nn.pointwise import check_kind_of


class EventGate(nn.Module):
    """A factor in (0, 1) for every event and channel, from the average over the event's sites.

    ``gate[b] = sigmoid(excite(activation(squeeze(mean over sites of event b of in))))`` with two
    linear layers. An event without sites has the average zero.

    Attributes:
      features: channels of the gate.
      squeezed: channels between the two layers.
      settings: of the network.

    Source: Hu et al., arXiv 1709.01507, equations 2 and 3.
    """

    features: int
    squeezed: int
    settings: BlockSettings

    @nn.compact
    def __call__(self, x: Any) -> Float[Array, "events channels"]:
        settings = self.settings
        average = settings.layers.global_average_pooling(x)
        vectors = DenseTensor(average, mask=None, stride=())  # images without an axis
        squeeze = settings.layers.Linear(self.squeezed, dtype=settings.dtype, name="squeeze")
        excite = settings.layers.Linear(self.features, dtype=settings.dtype, name="excite")
        return jax.nn.sigmoid(excite(settings.activate(squeeze(vectors))).features)


class SqueezeExcitation(nn.Module):
    """``out[i] = in[i] * gate[event of i]``, see :class:`EventGate`.

    Attributes:
      reduction: the squeezed channels are ``max(channels // reduction, 1)``.
      settings: of the network.
    """

    reduction: int
    settings: BlockSettings

    @nn.compact
    def __call__(self, x: Any, geometry: Any = None) -> Any:
        check_kind_of(x)
        channels = x.features.shape[-1]
        squeezed = max(channels // self.reduction, 1)
        gate = EventGate(channels, squeezed, self.settings, name="gate")(x)
        return self.settings.layers.broadcast_multiply(x, gate)
