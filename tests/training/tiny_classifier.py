"""The smallest network that keeps to what a classifier is called with, for tests of training."""

from typing import Any, ClassVar

import flax.linen as linen
import jax.numpy as jnp

from jaxsparse import nn


class TinyClassifier(linen.Module):
    """A convolution a view, the average over the sites of an event, a linear layer."""

    task: ClassVar[str] = "classification"

    num_classes: int = 3
    views: int = 2
    filters: int = 4
    depth: int = 2
    kernel_size: int = 3
    normalize: bool = False
    vocabulary: str = "sparse"
    dtype: str | None = None
    remat: bool = False
    axis_name: str | None = None

    @property
    def levels(self) -> int:
        return self.depth

    @property
    def kernels(self) -> tuple[int, ...]:
        return (self.kernel_size,)

    @linen.compact
    def __call__(self, images: Any, geometries: Any, *, train: bool) -> Any:
        assert len(images) == len(geometries) == self.views
        pooled = []
        for x, geometry in zip(images, geometries, strict=True):
            x = nn.SubmanifoldConv(self.filters, use_bias=True)(x, geometry)
            if self.normalize:
                x = nn.BatchNorm(train=train, axis_name=self.axis_name)(x, geometry)
            x = nn.relu(x)
            pooled.append(nn.global_average_pooling(x))
        features = jnp.concatenate(pooled, axis=-1)
        return linen.Dense(self.num_classes)(features), {"features": features}
