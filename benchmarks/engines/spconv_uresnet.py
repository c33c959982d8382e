"""jaxsparse's UResNet in spconv: the same layers in the same order, for equal outputs.

Submodules have the names of jaxsparse's parameters, for :meth:`UResNet.load`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import spconv.pytorch as spconv
import torch
from torch import nn

FILTERS, BLOCKS = 32, 2
EPSILON, MOMENTUM = 1e-4, 0.1  # torch's momentum is what moves, jaxsparse's what stays
CONVOLUTIONS = {
    2: (spconv.SubMConv2d, spconv.SparseConv2d, spconv.SparseInverseConv2d),
    3: (spconv.SubMConv3d, spconv.SparseConv3d, spconv.SparseInverseConv3d),
}
# jaxsparse's names of parameters and running statistics to torch's.
NAMES = {
    "weights": "weight",
    "scale": "weight",
    "bias": "bias",
    "mean": "running_mean",
    "variance": "running_var",
}

PLACES = ("backbone", "tower", "heads", "semantic")  # in jaxsparse's names, and not here


def spconv_weights(weights: torch.Tensor, kernel_size: int, dim: int) -> torch.Tensor:
    """``[taps, in, out]``, the last axis fastest among taps, to ``[out, *kernel, in]``."""
    kernel = weights.reshape(*(kernel_size,) * dim, *weights.shape[1:])
    return kernel.movedim(-1, 0).contiguous()


class Unit(nn.Module):
    """Batch norm, ReLU, convolution."""

    def __init__(self, channels: int, convolution: nn.Module) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels, eps=EPSILON, momentum=MOMENTUM)
        self.convolution = convolution

    def forward(self, x: Any) -> Any:
        return self.convolution(x.replace_feature(torch.relu_(self.norm(x.features))))


class Block(nn.Module):
    """Two units beside an identity, or a projection where the number of channels changes."""

    def __init__(self, channels: int, features: int, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first = Unit(channels, first)
        self.second = Unit(features, second)
        changes = channels != features
        self.projection = nn.Linear(channels, features, bias=False) if changes else None

    def forward(self, x: Any) -> Any:
        y = self.second(self.first(x))
        identity = x.features if self.projection is None else self.projection(x.features)
        return y.replace_feature(y.features + identity)


class UResNet(nn.Module):
    """See ``jaxsparse.models.UResNet``: pre-activation, depth levels of 32, 64, ... channels."""

    def __init__(self, dim: int, depth: int, num_classes: int) -> None:
        super().__init__()
        self.dim = dim
        submanifold, strided, inverse = CONVOLUTIONS[dim]
        channels = [FILTERS * (level + 1) for level in range(depth)]

        def convolution(level: int, inputs: int, outputs: int) -> nn.Module:
            return submanifold(inputs, outputs, 3, bias=False, indice_key=f"level_{level}")

        def blocks(side: str, level: int, inputs: int) -> None:
            for index in range(BLOCKS):
                outputs = channels[level]
                self.add_module(
                    f"{side}_{level}_block_{index}",
                    Block(
                        inputs,
                        outputs,
                        convolution(level, inputs, outputs),
                        convolution(level, outputs, outputs),
                    ),
                )
                inputs = outputs

        self.stem = convolution(0, 1, FILTERS)
        for level, features in enumerate(channels):
            if level:
                before, key = channels[level - 1], f"down_{level}"
                down = strided(before, features, 2, stride=2, bias=False, indice_key=key)
                self.add_module(f"down_{level}", Unit(before, down))
            blocks("encoder", level, features)
        for level, features in enumerate(channels[:-1]):
            after, key = channels[level + 1], f"down_{level + 1}"
            up = inverse(after, features, 2, bias=False, indice_key=key)
            self.add_module(f"up_{level}", Unit(after, up))
            blocks("decoder", level, 2 * features)
        self.norm = nn.BatchNorm1d(FILTERS, eps=EPSILON, momentum=MOMENTUM)
        self.scores = nn.Linear(FILTERS, num_classes)
        self.depth = depth

    def forward(self, x: Any) -> torch.Tensor:
        x = self.stem(x)
        skips = []
        for level in range(self.depth):
            if level:
                x = self.get_submodule(f"down_{level}")(x)
            x = self._blocks("encoder", level, x)
            skips.append(x)
        for level in reversed(range(self.depth - 1)):
            x = self.get_submodule(f"up_{level}")(x)
            x = x.replace_feature(torch.cat([skips[level].features, x.features], dim=1))
            x = self._blocks("decoder", level, x)
        return self.scores(torch.relu_(self.norm(x.features)))

    def _blocks(self, side: str, level: int, x: Any) -> Any:
        for index in range(BLOCKS):
            x = self.get_submodule(f"{side}_{level}_block_{index}")(x)
        return x

    @torch.no_grad()
    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes jaxsparse's variables by their paths, one after the other."""
        targets = dict(self.named_parameters()) | {
            name: buffer for name, buffer in self.named_buffers() if "running" in name
        }
        for name in arrays:
            *path, leaf = [part for part in name.split("/")[1:] if part not in PLACES]
            target = targets.pop(".".join([*path, NAMES[leaf]]))
            values = torch.from_numpy(arrays[name])
            if values.ndim == 3:
                values = spconv_weights(values, target.shape[1], self.dim)
            elif values.ndim == 2:
                values = values.T
            if values.shape != target.shape:
                raise RuntimeError(
                    f"{name} is {tuple(values.shape)} in jaxsparse's network and "
                    f"{tuple(target.shape)} in spconv's: the networks are not the same"
                )
            target.copy_(values)
        if targets:
            raise RuntimeError(f"jaxsparse's network has nothing for spconv's {sorted(targets)}")
