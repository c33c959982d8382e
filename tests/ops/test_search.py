"""Counting sorted keys below a query, in a loop as on a CPU and without one as elsewhere."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse.integers import INT32_MAX
from jaxsparse.ops.search import count_below


@pytest.fixture(params=["cpu", "default"], autouse=True)
def search(request, monkeypatch):
    """Both ways run on the CPU that is here."""
    monkeypatch.setattr(jax.lax, "platform_dependent", lambda **branches: branches[request.param]())


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 7, 8, 9])
def test_counts_are_those_of_numpy(rows, wide):
    rng = np.random.default_rng(rows)
    keys = np.sort(rng.integers(0, 9, rows)).astype(np.int32)
    keys[rows - rows // 3 :] = INT32_MAX  # padding
    queries = np.array([[0, 3, 9], [*rng.choice(keys, 2), INT32_MAX - 1]], np.int32)
    with jax.enable_x64(wide):
        counts = count_below((jnp.array(keys),), (jnp.array(queries),))
    assert counts.dtype == jnp.int32
    np.testing.assert_array_equal(counts, np.searchsorted(keys, queries))


def test_words_are_compared_from_left_to_right():
    rng = np.random.default_rng(0)
    keys = sorted(map(tuple, rng.integers(0, 3, (11, 3)).tolist()))
    queries = list(np.ndindex(3, 3, 3))
    counts = count_below(*(tuple(jnp.array(q, jnp.int32).T) for q in (keys, queries)))
    assert counts.tolist() == [sum(key < query for key in keys) for query in queries]
