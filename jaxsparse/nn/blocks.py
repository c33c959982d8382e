"""Blocks of layers, written once for both vocabularies.

A block is told the *name* of its vocabulary and looks the layers up, so that its parameter tree
does not depend on it.
"""

import dataclasses
from collections.abc import Callable
from types import ModuleType
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from jaxsparse.errors import InputError
from jaxsparse.nn import dense, sparse
from jaxsparse.nn.activations import activation
from jaxsparse.ops import implementations
from jaxsparse.ops.native import compiler

VOCABULARIES: dict[str, ModuleType] = {"sparse": sparse, "dense": dense}
ORDERS = ("norm_first", "convolution_first")
CONVOLUTIONS = (
    "SubmanifoldConv", "StridedConv", "InverseConv", "GeneralConv", "ChannelwiseConv", "Linear",
)  # fmt: skip


def vocabulary(name: str) -> Any:
    """The module that holds the layers of a vocabulary, ``"sparse"`` or ``"dense"``.

    Raises:
      InputError: another name.

    >>> vocabulary("dense").__name__
    'jaxsparse.nn.dense'
    """
    if name not in VOCABULARIES:
        raise InputError(f"vocabulary is {name!r}: must be one of {', '.join(VOCABULARIES)}")
    return VOCABULARIES[name]


@dataclasses.dataclass(frozen=True)
class BlockSettings:
    """What the blocks of one network have in common.

    Attributes:
      train: batch norm uses and records the statistics of the batch.
      vocabulary: ``"sparse"`` or ``"dense"``.
      order: ``"norm_first"``, batch norm - activation - convolution (pre-activation, He et al.,
        arXiv 1603.05027), or ``"convolution_first"``, convolution - batch norm - activation.
      kernel_size: of the submanifold convolutions.
      dtype: type of the matrix products' operands (None: that of the features).
      momentum: share of the running statistics that stays at a step.
      axis_name: the mapped axis over which batch norm sums its moments.
      activation: name of the activation, see :func:`~jaxsparse.nn.activations.activation`.
      residual: whether residual blocks add their input; without, they are plain chains.
      implementation: data flow of the sparse convolutions, see :func:`jaxsparse.ops.convolution`.
        Operations that have none of that name (channelwise convolutions, batch norm) take what is
        made of the same, of XLA's operations or as kernels.

    Raises:
      InputError: a vocabulary, order or implementation that there is not, or an implementation of
        dense layers.
    """

    train: bool
    vocabulary: str = "sparse"
    order: str = "norm_first"
    kernel_size: int = 3
    dtype: DTypeLike | None = None
    momentum: float = 0.9
    axis_name: str | None = None
    activation: str = "relu"
    residual: bool = True
    implementation: str = implementations.AUTO

    def __post_init__(self) -> None:
        vocabulary(self.vocabulary)
        if self.order not in ORDERS:
            raise InputError(f"order is {self.order!r}: must be one of {', '.join(ORDERS)}")
        implementations.check_name("convolution", self.implementation)
        if self.vocabulary == "dense" and self.implementation != implementations.AUTO:
            raise InputError(
                f"implementation is {self.implementation!r} and vocabulary 'dense': data flows are "
                "those of sparse convolutions, leave it 'auto'"
            )

    @property
    def layers(self) -> Any:
        """The module of layers."""
        return vocabulary(self.vocabulary)

    def data_flow(self, operation: str) -> str:
        """What an operation of the table of implementations is asked for in this network."""
        return implementations.counterpart(operation, self.implementation)

    def computed_by(self, device: jax.Device) -> str:
        """What computes the sums of this network on a device: by it the bits of results differ.

        Returns:
          ``"kernels for "`` and their instruction set, or ``"XLA for "`` and the kind of device
          where there are none or none are taken.

        >>> BlockSettings(train=False, implementation="table").computed_by(jax.devices("cpu")[0])
        'XLA for cpu'
        """
        kernels = "none"
        takes = self.implementation in (implementations.AUTO, "native")
        if takes and self.vocabulary == "sparse" and device.platform == "cpu":
            kernels = compiler.instruction_set(jnp.dtype(self.dtype or jnp.float32).name)
        return f"XLA for {device.device_kind}" if kernels == "none" else f"kernels for {kernels}"

    def batch_norm(self, name: str, *, relu: bool = False) -> nn.Module:
        """A batch norm of this network."""
        return self.layers.BatchNorm(
            train=self.train,
            momentum=self.momentum,
            axis_name=self.axis_name,
            relu=relu,
            implementation=self.data_flow("column_moments"),
            name=name,
        )

    def batch_norm_and_activation(self, name: str) -> Callable[[Any], Any]:
        """A batch norm of this network with its activation, in one pass where that is a ReLU."""
        norm = self.batch_norm(name, relu=self.activation == "relu")
        if self.activation == "relu":
            return norm
        return lambda x: self.activate(norm(x))

    def linear(self, features: int, name: str, **options: Any) -> nn.Module:
        """A linear layer of this network."""
        options = {"dtype": self.dtype, "implementation": self.data_flow("convolution"), **options}
        return self.layers.Linear(features, name=name, **options)

    def activate(self, x: Any) -> Any:
        """The activation of this network at every site."""
        if self.activation == "relu":  # zero at zero, with gradient zero: no row need be masked
            return self.layers.relu(x)
        return activation(self.activation)(x)


class ConvolutionUnit(nn.Module):
    """One convolution with batch norm and activation, in the order of the settings.

    Called as ``unit(x, geometry)`` or ``unit(x, connection)``, as its layer is; a ``Linear`` unit
    needs neither. No bias: batch norm has one.

    Attributes:
      convolution: name of the layer, one of :data:`CONVOLUTIONS`.
      features: channels of the output; for ``ChannelwiseConv`` those of the input.
      settings: of the network.

    Raises:
      InputError: another name.
    """

    convolution: str
    features: int
    settings: BlockSettings

    @nn.compact
    def __call__(self, x: Any, where: Any = None) -> Any:
        settings = self.settings
        if self.convolution not in CONVOLUTIONS:
            raise InputError(
                f"convolution is {self.convolution!r}: must be one of {', '.join(CONVOLUTIONS)}"
            )
        options: dict[str, Any] = {
            "use_bias": False,
            "dtype": settings.dtype,
            "name": "convolution",
        }
        operation = "convolution"
        if self.convolution == "ChannelwiseConv":
            operation = "grouped_convolution"
        else:
            options["features"] = self.features
        options["implementation"] = settings.data_flow(operation)
        if self.convolution == "SubmanifoldConv":
            options["kernel_size"] = settings.kernel_size
        convolution = getattr(settings.layers, self.convolution)(**options)
        norm = settings.batch_norm_and_activation("norm")
        if settings.order == "norm_first":
            return convolution(norm(x), where)
        return norm(convolution(x, where))


class ResidualBlock(nn.Module):
    """Two submanifold units beside an identity: ``out = in + second(first(in))``.

    Without the identity if the settings have ``residual=False``. Where the number of channels
    changes, the identity becomes a 1x1 projection without bias.

    Attributes:
      features: channels of the output.
      settings: of the network.
    """

    features: int
    settings: BlockSettings

    @nn.compact
    def __call__(self, x: Any, geometry: Any) -> Any:
        layers = self.settings.layers
        y = x
        for name in ("first", "second"):
            unit = ConvolutionUnit("SubmanifoldConv", self.features, self.settings, name=name)
            y = unit(y, geometry)
        if not self.settings.residual:
            return y
        if x.features.shape[-1] != self.features:
            projection = self.settings.linear(self.features, "projection", use_bias=False)
            x = projection(x, geometry)
        return layers.add(x, y)
