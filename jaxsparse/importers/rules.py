"""Where the arrays of one of the peers' layers go: a rule for every kind of layer."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from jaxsparse.importers.kernels import (
    minkowski_cross_kernel,
    minkowski_kernel,
    sizes_of_axes,
    spconv_kernel,
)

Convert = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Target:
    """Where one array goes.

    Attributes:
      collection: ``"params"`` or ``"batch_stats"``.
      name: of the variable in our layer.
      convert: from the peer's array to ours.
    """

    collection: str
    name: str
    convert: Convert


@dataclasses.dataclass(frozen=True)
class LayerRule:
    """How one layer of a peer becomes one of ours.

    Attributes:
      path: of our layer in the variables, ``"/"`` between modules: ``"encoder/first/norm"``;
        empty where the layer is the whole network.
      targets: by the name that an array has in the peer's layer. An array that is not in the
        state dict (a bias) is skipped.
      ignored: names of arrays that have no meaning here.
    """

    path: str
    targets: Mapping[str, Target]
    ignored: tuple[str, ...] = ()


def minkowski_convolution(path: str, kernel_size: Sequence[int]) -> LayerRule:
    """``MinkowskiConvolution`` and its transposed kinds, to any convolution layer.

    Args:
      path: of our layer.
      kernel_size: one number an axis. The state dict tells only their product: ``(5, 25)`` for a
        kernel of ``(5, 5, 5)`` passes, and the network then computes something else.

    >>> rule = minkowski_convolution("stem", (3, 3))
    >>> rule.targets["kernel"].convert(np.zeros((9, 1, 8))).shape
    (9, 1, 8)
    """
    sizes = sizes_of_axes(kernel_size)
    convert = functools.partial(minkowski_kernel, kernel_size=sizes)
    return LayerRule(path, {"kernel": _parameter("weights", convert), **_BIAS})


def minkowski_cross(path: str, kernel_size: Sequence[int]) -> LayerRule:
    """``MinkowskiConvolution`` of ``RegionType.HYPER_CROSS`` to a convolution over ``ops.cross``.

    Args:
      path: of our layer.
      kernel_size: one odd number an axis.

    >>> rule = minkowski_cross("stem", (3, 3))
    >>> rule.targets["kernel"].convert(np.zeros((5, 1, 8))).shape
    (5, 1, 8)
    """
    sizes = sizes_of_axes(kernel_size)
    convert = functools.partial(minkowski_cross_kernel, kernel_size=sizes)
    return LayerRule(path, {"kernel": _parameter("weights", convert), **_BIAS})


def minkowski_channelwise(path: str, kernel_size: Sequence[int]) -> LayerRule:
    """``MinkowskiChannelwiseConvolution``, kernel ``[taps, channels]``, to ``nn.ChannelwiseConv``.

    >>> rule = minkowski_channelwise("depthwise", (3, 3))
    >>> rule.targets["kernel"].convert(np.zeros((9, 8))).shape
    (9, 1, 8)
    """
    sizes = sizes_of_axes(kernel_size)

    def convert(kernel: np.ndarray) -> np.ndarray:
        return minkowski_kernel(kernel[:, None], sizes)

    return LayerRule(path, {"kernel": _parameter("weights", convert), **_BIAS})


def minkowski_pointwise(path: str) -> LayerRule:
    """``MinkowskiConvolution(kernel_size=1)``, kernel ``[in, out]``, to ``nn.Linear``.

    >>> minkowski_pointwise("head").targets["kernel"].convert(np.zeros((8, 5))).shape
    (8, 5)
    """

    def convert(kernel: np.ndarray) -> np.ndarray:
        return minkowski_kernel(kernel, (1,))[0]

    return LayerRule(path, {"kernel": _parameter("weights", convert), **_BIAS})


def spconv_convolution(path: str, *, layout: str = "KRSC") -> LayerRule:
    """``SubMConv3d``, ``SparseConv3d``, ``SparseInverseConv3d`` and the like to our convolutions.

    Args:
      path: of our layer.
      layout: as for ``spconv_kernel``.

    >>> rule = spconv_convolution("stem")
    >>> rule.targets["weight"].convert(np.zeros((8, 3, 3, 1))).shape
    (9, 1, 8)
    """
    convert = functools.partial(spconv_kernel, layout=layout)
    return LayerRule(
        path,
        {"weight": _parameter("weights", convert), **_BIAS},
        ignored=("max_num_voxels_during_training",),
    )


def spconv_pointwise(path: str, *, layout: str = "KRSC") -> LayerRule:
    """``SubMConv3d(kernel_size=1)`` to ``nn.Linear``.

    >>> rule = spconv_pointwise("head")
    >>> rule.targets["weight"].convert(np.zeros((5, 1, 1, 1, 8))).shape
    (8, 5)
    """

    def convert(kernel: np.ndarray) -> np.ndarray:
        return np.concatenate(spconv_kernel(kernel, layout=layout))

    return LayerRule(
        path,
        {"weight": _parameter("weights", convert), **_BIAS},
        ignored=("max_num_voxels_during_training",),
    )


def linear(path: str) -> LayerRule:
    """``torch.nn.Linear``, weight ``[out, in]``, to ``nn.Linear``, weights ``[in, out]``.

    That of a ``MinkowskiLinear`` called ``head`` is the layer ``head.linear`` of the state dict.

    >>> linear("head").targets["weight"].convert(np.zeros((5, 8))).shape
    (8, 5)
    """
    return LayerRule(path, {"weight": _parameter("weights", np.transpose), **_BIAS})


def flax_dense(path: str) -> LayerRule:
    """``torch.nn.Linear``, weight ``[out, in]``, to ``flax.linen.Dense``, kernel ``[in, out]``.

    It comes after a pooling of whole events, whose result is a plain array.

    >>> flax_dense("head").targets["weight"].name
    'kernel'
    """
    return LayerRule(path, {"weight": _parameter("kernel", np.transpose), **_BIAS})


def batch_norm(path: str) -> LayerRule:
    """``torch.nn.BatchNorm1d`` to ``nn.BatchNorm``.

    That of a ``MinkowskiBatchNorm`` called ``norm`` is the layer ``norm.bn`` of the state dict. Set
    ``epsilon`` of our layer to that of the peer's, 1e-5 unless told otherwise.

    >>> sorted(batch_norm("norm").targets)
    ['bias', 'running_mean', 'running_var', 'weight']
    """
    targets = {
        "weight": _parameter("scale", np.ravel),
        **_BIAS,
        "running_mean": Target("batch_stats", "mean", np.ravel),
        "running_var": Target("batch_stats", "variance", np.ravel),
    }
    return LayerRule(path, targets, ignored=("num_batches_tracked",))


def normalization(path: str) -> LayerRule:
    """``MinkowskiInstanceNorm``, ``GroupNorm``, ``LayerNorm`` to ours of the same name.

    >>> normalization("norm").targets["weight"].convert(np.ones((1, 8))).shape
    (8,)
    """
    return LayerRule(path, {"weight": _parameter("scale", np.ravel), **_BIAS})


def prelu(path: str) -> LayerRule:
    """``torch.nn.PReLU`` to ``nn.PReLU``; of a ``MinkowskiPReLU`` its layer ``module``.

    >>> prelu("activation").targets["weight"].name
    'slope'
    """
    return LayerRule(path, {"weight": _parameter("slope", np.ravel)})


def minkowski_sinusoidal(path: str) -> LayerRule:
    """``MinkowskiSinusoidal``, coef ``[1, out]``, to ``nn.Sinusoidal``.

    >>> minkowski_sinusoidal("wave").targets["coef"].convert(np.ones((1, 8))).shape
    (8,)
    """
    targets = {
        "kernel": _parameter("weights", np.asarray),
        **_BIAS,
        "coef": _parameter("amplitude", np.ravel),
    }
    return LayerRule(path, targets)


def _parameter(name: str, convert: Convert) -> Target:
    return Target("params", name, convert)


# MinkowskiEngine's has the shape [1, out].
_BIAS = {"bias": _parameter("bias", np.ravel)}
