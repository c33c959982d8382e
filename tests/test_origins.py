"""Sites are told apart inside of compiled functions, where their coordinates have no values."""

import gc

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsparse
from jaxsparse import InputError, ops, origins, sparse_tensor


@pytest.fixture(scope="module")
def x():
    return sparse_tensor(
        [[0, 1], [0, 2], [1, 3]], np.ones((3, 1)), spatial_shape=(8,), batch_size=2, capacity=6
    )


BOX = ops.hypercube(3, 1)
# Of tensors of the same shape, events, stride and capacity, all with other sites.
OTHERS = {
    "pruned": lambda x: ops.prune(x, x.features[:, 0] > 1),
    "a part": lambda x: ops.prune(2 * x, x.features[:, 0] > 1),
    "cropped": lambda x: ops.crop(x, (1,), (8,)),
    "common": lambda x: ops.intersection(x, ops.prune(x, x.features[:, 0] > 1)),
    "united": lambda x: ops.union(x, ops.crop(x, (1,), (8,)), capacity=6),
    "spread": lambda x: ops.generated_sites(x, BOX, 1, spatial_shape=(8,), capacity=6).tensor(
        x.features
    ),
    "reached": lambda x: ops.strided_sites(
        x, BOX, 1, output_sites="receptive_field", capacity=6
    ).tensor(x.features),
}


@pytest.mark.parametrize("name", OTHERS)
def test_sites_made_of_others_are_not_paired_with_them(x, name):
    def pair(x):
        return x + OTHERS[name](x)

    with pytest.raises(InputError, match=r"x has the sites that were given: y has those .*union"):
        jax.jit(pair)(x)
    with pytest.raises(InputError, match="level 0 of the geometry has"):
        jax.jit(lambda x: jaxsparse.geometry(OTHERS[name](x), levels=1).level_of(x))(x)


def test_two_ways_to_make_sites_are_two_sets_of_sites(x):
    def pair(x):
        return ops.prune(x, x.features[:, 0] > 1) + ops.prune(x, x.features[:, 0] > 2)

    with pytest.raises(InputError, match=r"pruned from others: y has those .* in another way"):
        jax.jit(pair)(x)


def test_sites_made_twice_in_one_way_are_the_same(x):
    @jax.jit
    def pairs(x):
        keep = x.features[:, 0] > 0
        one, other = (jaxsparse.geometry(t, levels=3, kernels=()) for t in (x, 2 * x))
        halves = ops.strided_sites(x, BOX, 2, capacity=6)
        halves = ops.strided_sites(halves, BOX, 2, capacity=6)
        coarse = jnp.ones((6, 1))
        return (
            ops.prune(x, keep) + ops.prune(2 * x, keep),
            ops.crop(x, (1,), (8,)) + ops.crop(x, (1,), (8,)),
            ops.union(x, 2 * x) + ops.union(2 * x, x),
            one.tensor(2, coarse) + other.tensor(2, coarse),
            one.tensor(2, coarse) + halves.tensor(coarse),
        )

    assert pairs(x)[0].features[:3].tolist() == [[3.0], [3.0], [3.0]]


def test_what_may_be_the_same_is_taken_as_such(x):
    """Two arguments, and what comes back from a function traced by itself."""
    y = 2 * x
    assert jax.jit(lambda x, y: x + y)(x, y).features[0, 0] == 3
    built = jaxsparse.geometry(x, levels=1)
    assert jax.jit(lambda x, built: built.level_of(x) + x.features)(x, built).shape == (6, 1)

    def through(transform):
        def loss(x):
            kept = ops.prune(x, x.features[:, 0] > 0)
            return (kept + transform(lambda t: 2 * t)(kept)).features.sum()

        return loss

    for transform in (jax.jit, jax.checkpoint):
        assert jax.jit(through(transform))(x) == 9

    def step(carry, _):
        return ops.prune(carry, carry.features[:, 0] > 0), None

    assert int(jax.lax.scan(step, x, length=2)[0].num_active) == 3
    branch = jax.lax.cond(True, lambda t: step(t, None)[0], lambda t: t, x)
    assert int(branch.num_active) == 3


def test_rows_may_be_said_to_be_the_same(x):
    pair = jax.jit(lambda x: x + x.replace(ops.prune(x, x.features[:, 0] > 0).features))
    assert pair(x).features[0, 0] == 2


def test_notes_neither_leak_tracers_nor_outlive_them(x):
    gc.collect()
    before = len(origins._known)
    with jax.checking_leaks():
        jax.jit(lambda x: [OTHERS[name](x) for name in OTHERS])(x)
    gc.collect()
    assert len(origins._known) <= before + 2  # the arguments of the test itself
