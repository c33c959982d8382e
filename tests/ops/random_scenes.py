"""Random sites with small whole numbers for features, and how to compare them with dictionaries.

Sums of whole numbers are exact in any order, so most results must be equal to the last bit. Every
scene has the same capacity: one compilation for each case.
"""

import dataclasses
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from jaxsparse import sparse_tensor

BATCH, CAPACITY, CHANNELS, OUT = 3, 24, 2, 4
PLANE = (6, 5)

few = settings(max_examples=12, deadline=None)


def whole_numbers(seed, *shape):
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(np.float32)


@st.composite
def scenes(draw, shape, capacity=CAPACITY, stride=1) -> Any:
    """A tensor of none to as many sites as it holds, in events that may be empty."""
    cells = BATCH * int(np.prod(shape))
    count = draw(st.sampled_from([0, 1, 6, 15, CAPACITY]))
    chosen = draw(st.lists(st.integers(0, cells - 1), unique=True, min_size=count, max_size=count))
    coords = np.stack(np.unravel_index(np.array(chosen, int), (BATCH, *shape)), axis=1)
    features = whole_numbers(draw(st.integers(0, 99)), len(chosen), CHANNELS)
    x = sparse_tensor(coords, features, spatial_shape=shape, batch_size=BATCH, capacity=capacity)
    return dataclasses.replace(x, stride=(stride,) * len(shape))


def table(coords, features, count):
    """``{site: its row}`` of the active rows; what is beyond them must be -1 and 0."""
    coords, features = np.asarray(coords), np.asarray(features)
    assert (coords[count:] == -1).all()
    assert not features[count:].any()
    return dict(zip(map(tuple, coords[:count].tolist()), features[:count], strict=True))


def sites_of(x):
    return table(x.coords, x.features, int(x.num_active))


def same(one, other, tolerance=0.0):
    assert list(one) == sorted(other)
    for site, row in one.items():
        np.testing.assert_allclose(row, other[site], atol=tolerance)
