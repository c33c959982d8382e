"""The smallest network that keeps to what a classifier is called with, for tests of training."""

from typing import Any

import flax.linen as linen
import jax.numpy as jnp

from jaxsparse import nn
from jaxsparse.models.classifier import EventClassifier


class TinyClassifier(EventClassifier):
    """A convolution a view, the average over the sites of an event, a linear layer."""

    filters: int = 4
    depth: int = 1
    normalize: bool = False

    @property
    def levels(self) -> int:
        return self.depth

    @linen.nowrap
    def event_features(self, *_: Any) -> Any:
        raise NotImplementedError("all of the network is in __call__")

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
