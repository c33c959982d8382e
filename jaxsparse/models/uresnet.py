"""UResNet: the segmentation network of SparseSSNet, for sparse and for dense images."""

from typing import Any, ClassVar

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float32

from jaxsparse import Geometry, SparseTensor
from jaxsparse.nn.blocks import BlockSettings, ConvolutionUnit, ResidualBlock
from jaxsparse.nn.dense_tensor import DenseGeometry, DenseTensor


class UResNet(nn.Module):
    """A U-Net of residual blocks with one score a class at every active site.

    A submanifold stem; on each of ``depth`` levels ``blocks`` residual blocks, with ``filters``
    more channels a level; between levels a kernel-2 stride-2 convolution down and its inverse up;
    the encoder's output of a level is concatenated before the decoder's blocks; batch norm, ReLU,
    and a linear layer to the scores. The defaults have 3.81 million parameters in two dimensions.

    The order of batch norm, ReLU and convolution is pre-activation, that of the published network
    (arXiv 2012.08513, built with ``sparseconvnet.UNet(..., residual_blocks=True)``);
    ``order="convolution_first"`` is the other reading, for comparison. The published network has
    leak 0 in its ReLUs, batch norm with epsilon 1e-4 and momentum 0.9, no bias in convolutions.

    Works in any number of dimensions: the dimension is that of the input.

    Attributes:
        num_classes: scores a site.
        filters: channels of the finest level; level ``l`` has ``(l + 1) * filters``.
        depth: number of levels.
        blocks: residual blocks a level, on the way down and again on the way up.
        kernel_size: of the submanifold convolutions, odd.
        vocabulary: ``"sparse"`` or ``"dense"``. The parameters are the same.
        order: ``"norm_first"`` or ``"convolution_first"``.
        dtype: type of the matrix products' operands, ``"float32"`` (None) or ``"bfloat16"``; sums,
            features between layers, statistics and parameters stay float32.
        momentum: of batch norm's running statistics.
        remat: compute the inside of residual blocks again in the backward pass instead of storing
            it: more time, the same numbers. On CPU it saves memory only if XLA is told to keep the
            barriers that make it wait, with the compiler option ``xla_disable_hlo_passes`` set to
            ``cse_barrier_expander``: 94 MB instead of 218 for a training step of this network on a
            plane of 17 thousand sites (JAX 0.10.2), and 218 without it (``docs/network.md``). Not
            measured on accelerators.
        axis_name: mapped axis over which batch norm sums its moments (None: this device alone).

    >>> import jax, jaxsparse
    >>> x = jaxsparse.sparse_tensor([[0, 3, 4], [0, 3, 5]], [[1.0], [2.0]], spatial_shape=(8, 8),
    ...                             batch_size=1, capacity=4)
    >>> network = UResNet(num_classes=5, filters=2, depth=1, blocks=1)
    >>> @jax.jit
    ... def initial_scores(key, x):
    ...     geometry = jaxsparse.geometry(x, levels=1, kernels=(3,))
    ...     variables = network.init(key, x, geometry, train=False)
    ...     return network.apply(variables, x, geometry, train=False)
    >>> logits, intermediates = initial_scores(jax.random.key(0), x)
    >>> logits.shape, sorted(intermediates)
    ((4, 5), ['encoder_0', 'features', 'stem'])
    """

    task: ClassVar[str] = "segmentation"

    num_classes: int = 5
    filters: int = 32
    depth: int = 5
    blocks: int = 2
    kernel_size: int = 3
    vocabulary: str = "sparse"
    order: str = "norm_first"
    dtype: str | None = None
    momentum: float = 0.9
    remat: bool = False
    axis_name: str | None = None

    @property
    def levels(self) -> int:
        """Levels that the geometry must have."""
        return self.depth

    @property
    def kernels(self) -> tuple[int, ...]:
        """Submanifold kernels that the geometry must have maps for."""
        return (self.kernel_size,)

    @nn.compact
    def __call__(
        self,
        x: SparseTensor | DenseTensor,
        geometry: Geometry | DenseGeometry,
        *,
        train: bool,
    ) -> tuple[Float32[Array, "sites out"], dict[str, Any]]:
        """Scores of every site.

        Args:
            x: features ``[sites, channels]`` on the finest level. The dense vocabulary takes a
                sparse batch too (as plain images), or a DenseTensor.
            geometry: of ``x``, with at least ``depth`` levels and maps for ``kernel_size``.
            train: batch norm uses and records the statistics of the batch
                (``mutable=["batch_stats"]``).

        Returns:
            The logits, float32 ``[sites, num_classes]``, zero on padding rows (``[events, *spatial,
            num_classes]`` for a DenseTensor), and a dictionary of tensors: ``stem``, then
            ``encoder_<l>`` and ``decoder_<l>`` after the blocks of level ``l``, and ``features``
            before the linear layer.

        Raises:
            InputError: the geometry has too few levels or no map for ``kernel_size``.
        """
        settings = BlockSettings(
            train=train,
            vocabulary=self.vocabulary,
            order=self.order,
            kernel_size=self.kernel_size,
            dtype=None if self.dtype is None else jnp.dtype(self.dtype),
            momentum=self.momentum,
            axis_name=self.axis_name,
        )
        layers = settings.layers
        block = nn.remat(ResidualBlock) if self.remat else ResidualBlock
        channels = [self.filters * (level + 1) for level in range(self.depth)]
        batch = x
        x, geometry = layers.enter(x, geometry)
        intermediates: dict[str, Any] = {}

        # Stem
        x = layers.SubmanifoldConv(
            self.filters, kernel_size=self.kernel_size, dtype=settings.dtype, name="stem"
        )(x, geometry)
        intermediates["stem"] = x

        # Encoder: the finest level first
        for level, features in enumerate(channels):
            if level > 0:
                down = ConvolutionUnit("StridedConv", features, settings, name=f"down_{level}")
                x = down(x, geometry)
            for index in range(self.blocks):
                x = block(features, settings, name=f"encoder_{level}_block_{index}")(x, geometry)
            intermediates[f"encoder_{level}"] = x

        # Decoder: back to the finest, beside what the encoder had there
        for level, features in reversed(list(enumerate(channels[:-1]))):
            up = ConvolutionUnit("InverseConv", features, settings, name=f"up_{level}")
            x = layers.concatenate(intermediates[f"encoder_{level}"], up(x, geometry))
            for index in range(self.blocks):
                x = block(features, settings, name=f"decoder_{level}_block_{index}")(x, geometry)
            intermediates[f"decoder_{level}"] = x

        # Scores
        x = layers.relu(settings.batch_norm("final_norm")(x, geometry))
        intermediates["features"] = x
        x = layers.Linear(self.num_classes, name="scores")(x, geometry)
        return layers.leave(x, batch).astype(jnp.float32), intermediates
