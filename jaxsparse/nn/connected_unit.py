"""One convolution over a connection, with batch norm and activation."""

from typing import Any

import flax.linen as nn

from jaxsparse.errors import InputError
from jaxsparse.nn.blocks import BlockSettings


class ConnectedUnit(nn.Module):
    """Convolution, batch norm and activation, in the order of the settings.

    Called as ``unit(x, connection)``; a ``Linear`` unit needs no connection. No bias: batch norm
    has one.

    Attributes:
        convolution: name of the layer: ``GeneralConv``, ``ChannelwiseConv`` or ``Linear``.
        features: channels of the output; for ``ChannelwiseConv`` those of the input.
        settings: of the network.

    Raises:
        InputError: another name.
    """

    convolution: str
    features: int
    settings: BlockSettings

    @nn.compact
    def __call__(self, x: Any, connection: Any = None) -> Any:
        settings, layers = self.settings, self.settings.layers
        common = {"dtype": settings.dtype, "use_bias": False, "name": "convolution"}
        if self.convolution == "ChannelwiseConv":
            convolution = layers.ChannelwiseConv(**common)
        elif self.convolution in ("GeneralConv", "Linear"):
            convolution = getattr(layers, self.convolution)(self.features, **common)
        else:
            raise InputError(
                f"convolution is {self.convolution!r}: must be one of GeneralConv, "
                "ChannelwiseConv, Linear"
            )
        norm = settings.batch_norm("norm")
        if settings.order == "norm_first":
            return convolution(settings.activate(norm(x)), connection)
        return settings.activate(norm(convolution(x, connection)))
