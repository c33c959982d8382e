"""Events in two views and small classifiers of them, for tests."""

import functools
import math

import jax
import numpy as np

import jaxsparse
from jaxsparse.models import EventHead, FishNet, MobileNetV2, Network
from tests.models.random_variables import random_variables

SHAPE, EVENTS, CLASSES = (9, 7), 3, 4
CAPACITY = EVENTS * math.prod(SHAPE) + 3

# Compilation is what the tests wait for, so every kind of block is there once: with expansion and
# without, of stride 2 and with a residual, before the merge and after it.
NETWORKS = {
    "mobilenet": Network(
        MobileNetV2(
            views=2, width=0.25, stages=((1, 16, 2, 2), (3, 32, 1, 2)), merge_stage=1, reduction=2
        ),
        {"event": EventHead(CLASSES)},
    ),
    # One view. Two are looked at where it matters: they take twice as long.
    "fishnet": Network(
        FishNet(
            planes=(4, 8, 8, 16, 16, 8, 8, 4, 8, 16, 24),
            residual_blocks=(1,) * 10,
            transfer_blocks=(1, 0, 0, 1, 0, 0),
        ),
        {"event": EventHead(CLASSES)},
    ),
}
# For what does not depend on the network: two views, merged behind their stems, and one block.
SMALL = Network(
    MobileNetV2(views=2, width=0.25, stages=((3, 16, 1, 2),), merge_stage=0, reduction=2),
    {"event": EventHead(CLASSES)},
)


def view(seed, fractions, capacity=CAPACITY):
    """Each pixel of an event is a site with the probability given for the event."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), -1).reshape(-1, 2)
    rows = []
    for event, fraction in enumerate(fractions):
        sites = grid[rng.random(len(grid)) < fraction]
        rows.append(np.concatenate([np.full((len(sites), 1), event), sites], axis=1))
    coords = np.concatenate(rows)
    features = rng.normal(size=(len(coords), 1)).astype(np.float32)
    return jaxsparse.sparse_tensor(
        coords, features, spatial_shape=SHAPE, batch_size=len(fractions), capacity=capacity
    )


def two_views(*fractions, **options):
    return tuple(view(seed, part, **options) for seed, part in enumerate(fractions))


# One view of an event is missing, then the other, and an event has nothing at all.
SPARSE = [(0.4, 0.0, 0.2), (0.3, 0.25, 0.0)]
FULL = [(1.0,) * EVENTS] * 2


def geometries_of(network, images):
    return tuple(
        jaxsparse.geometry(x, levels=network.levels, kernels=network.kernels) for x in images
    )


@functools.cache
def variables_of(network):
    """Parameters away from their initial values."""
    images = two_views(*SPARSE)[: network.views]

    def make(key):
        return network.init(key, images, geometries_of(network, images), train=False)

    return random_variables(jax.eval_shape(make, jax.random.key(0)))
