"""The block of MobileNetV2: wide inside, narrow outside, channelwise in between."""

from typing import Any

import flax.linen as nn

from jaxsparse.nn.blocks import BlockSettings, ConvolutionUnit
from jaxsparse.nn.pointwise import check_kind_of
from jaxsparse.nn.squeeze_excitation import SqueezeExcitation


class InvertedResidual(nn.Module):
    """``out = in + project(depthwise(expand(in)))``.

    ``expand`` is linear to ``expansion`` times the channels (left out where that is 1),
    ``depthwise`` a channelwise convolution over the connection, each with batch norm and
    activation; ``project`` is linear to ``features`` with batch norm and no activation. Without
    ``in +`` where the connection leads to another level, the number of channels changes, or the
    settings have ``residual=False``.

    Attributes:
      features: channels of the output.
      expansion: channels inside, as a multiple of those of the input.
      settings: of the network, ``order="convolution_first"``.
      reduction: of a squeeze-and-excitation after ``depthwise``; 0 for none.

    Source: Sandler et al., arXiv 1801.04381, table 1 and figure 4.
    """

    features: int
    expansion: int
    settings: BlockSettings
    reduction: int = 0

    @nn.compact
    def __call__(self, x: Any, connection: Any) -> Any:
        settings = self.settings
        layers = settings.layers
        check_kind_of(x)
        channels = x.features.shape[-1]
        y = x
        if self.expansion != 1:
            y = ConvolutionUnit("Linear", self.expansion * channels, settings, name="expand")(y)
        y = ConvolutionUnit(
            "ChannelwiseConv", self.expansion * channels, settings, name="depthwise"
        )(y, connection)
        if self.reduction:
            y = SqueezeExcitation(self.reduction, settings, name="excitation")(y)
        y = settings.linear(self.features, "project", use_bias=False)(y)
        y = settings.batch_norm("project_norm")(y)
        same = y.stride == x.stride and channels == self.features
        return layers.add(x, y) if settings.residual and same else y
