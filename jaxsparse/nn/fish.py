"""The blocks of FishNet: bottleneck, refinement with fewer channels, and the bridge.

Source of all: Sun et al., arXiv 1901.03495, sections 3.2 and 3.3, and the authors' implementation
(github.com/kevin-ssy/FishNet), from which what the paper leaves open is taken.
"""

import dataclasses
from typing import Any

import flax.linen as nn

from jaxsparse.errors import InputError
from jaxsparse.nn.blocks import BlockSettings, ConvolutionUnit
from jaxsparse.nn.pointwise import Tensor, check_kind_of
from jaxsparse.nn.squeeze_excitation import EventGate

SHORTCUTS = ("projection", "reduction")


class FishBlock(nn.Module):
    """``out = shortcut(in) + expand(convolve(squeeze(in)))``, batch norm and activation first.

    ``squeeze`` is linear to a quarter of ``features``, ``convolve`` of kernel 3 over the
    connection, ``expand`` linear to ``features``. The settings' ``residual=False`` leaves the
    shortcut out.

    Attributes:
      features: channels of the output.
      settings: of the network, ``order="norm_first"``.
      shortcut: ``"projection"``: the input, through a linear unit where the number of channels
        changes; ``"reduction"``, that of the up-sampling refinement: no weights, see
        ``reduce_channels``.
    """

    features: int
    settings: BlockSettings
    shortcut: str = "projection"

    @nn.compact
    def __call__(self, x: Any, connection: Any) -> Any:
        settings = self.settings
        if self.shortcut not in SHORTCUTS:
            raise InputError(
                f"shortcut is {self.shortcut!r}: must be one of {', '.join(SHORTCUTS)}"
            )
        inner = max(self.features // 4, 1)
        y = ConvolutionUnit("Linear", inner, settings, name="squeeze")(x)
        y = ConvolutionUnit("GeneralConv", inner, settings, name="convolve")(y, connection)
        y = ConvolutionUnit("Linear", self.features, settings, name="expand")(y)
        if not settings.residual:
            return y
        if self.shortcut == "reduction":
            return settings.layers.add(reduce_channels(x, self.features), y)
        if x.features.shape[-1] != self.features:
            x = ConvolutionUnit("Linear", self.features, settings, name="projection")(x)
        return settings.layers.add(x, y)


class FishBridge(nn.Module):
    """From tail to body: ``gate * blocks(wide) + gate``, with squeeze-and-excitation.

    ``wide`` has four times the channels of the squeezed layer before it and ``gate`` is one number
    for every event and channel, made of the average of ``wide`` over the event.

    Attributes:
      features: channels of the output.
      blocks: number of blocks.
      settings: of the network, ``order="norm_first"``.
      remat: compute the inside of blocks again in the backward pass.
    """

    features: int
    blocks: int
    settings: BlockSettings
    remat: bool = False

    @nn.compact
    def __call__(self, x: Any, connection: Any) -> Any:
        settings, layers = self.settings, self.settings.layers
        block = nn.remat(FishBlock) if self.remat else FishBlock
        check_kind_of(x)
        channels = x.features.shape[-1]
        x = ConvolutionUnit("Linear", max(channels // 2, 1), settings, name="squeeze")(x)
        x = settings.batch_norm_and_activation("wide_norm")(x)
        wide = settings.linear(2 * channels, "wide")(x)
        average = settings.batch_norm_and_activation("gate_norm")(wide)
        gate = EventGate(self.features, max(self.features // 16, 1), settings, name="gate")(average)
        y = wide
        for index in range(self.blocks):
            y = block(self.features, settings, name=f"block_{index}")(y, connection)
        return layers.broadcast_add(layers.broadcast_multiply(y, gate), gate)


class FishStem(nn.Module):
    """Three convolutions of kernel 3, each with batch norm and activation after it.

    Attributes:
      features: channels of the output; the first two convolutions have half of them.
      settings: of the network.
    """

    features: int
    settings: BlockSettings

    @nn.compact
    def __call__(self, x: Any, first: Any, others: Any) -> Any:
        settings = dataclasses.replace(self.settings, order="convolution_first")
        half = max(self.features // 2, 1)
        for index, (features, connection) in enumerate(
            [(half, first), (half, others), (self.features, others)]
        ):
            unit = ConvolutionUnit("GeneralConv", features, settings, name=f"convolution_{index}")
            x = unit(x, connection)
        return x


def reduce_channels(x: Tensor, features: int) -> Tensor:
    """Fewer channels without weights: sums of ``k`` adjacent ones, ``k j`` to ``k j + k - 1``.

    Args:
      x: a batch of either vocabulary.
      features: a divisor of its channels; ``k`` is the quotient.

    Raises:
      InputError: not a divisor.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0]], [[1.0, 2.0, 3.0, 4.0]], spatial_shape=(1,), batch_size=1)
    >>> reduce_channels(x, 2).features.tolist()
    [[3.0, 7.0]]
    """
    check_kind_of(x)
    *places, channels = x.features.shape
    if channels % features:
        raise InputError(f"features is {features}: must divide the {channels} channels")
    grouped = x.features.reshape(*places, features, channels // features)
    return x.replace(features=grouped.sum(axis=-1))
