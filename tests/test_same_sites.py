"""What no trace can tell, a program that is told to check finds out when it runs."""

import functools
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsparse
from jaxsparse import InputError, ops


def on(*places):
    coords = [[0, place] for place in places]
    features = np.ones((len(places), 1))
    return jaxsparse.sparse_tensor(coords, features, spatial_shape=(8,), batch_size=1, capacity=3)


X, OTHER = on(1, 2), on(1, 3)


def convolved(x, built):
    near = ops.submanifold_connection(built.levels[0], ops.hypercube(3, 1))
    return ops.convolution(x, jnp.ones((3, 1, 1)), near).features.sum()


def summed(x, built):
    pair = jax.vmap(lambda one, other: (one + other).features)
    return pair(ops.stack([x, x]), ops.stack([x, built.levels[0].tensor(x.features)])).sum()


def scanned(x, built):
    y = built.levels[0].tensor(x.features)
    return jax.lax.scan(lambda carry, _: (carry + y, None), x, length=2)[0].features.sum()


MESSAGE = r"InputError: x has site \[0, 3\] in row 1: "


@pytest.mark.parametrize("run", [convolved, summed, scanned])
def test_a_program_finds_out_that_its_arguments_lie_on_other_sites(run):
    program = jax.jit(jax.value_and_grad(jax.checkpoint(run), allow_int=True))
    built = jaxsparse.geometry(X, levels=1)
    with jaxsparse.checking_sites():
        program(2 * X, built)
    with (
        pytest.raises(jax.errors.JaxRuntimeError, match=MESSAGE),
        jaxsparse.checking_sites(),
    ):
        program(OTHER, built)


def test_programs_compare_as_long_as_they_are_told_to():
    add = jax.jit(lambda x, y: (x + y).features)
    assert add(OTHER, X)[0, 0] == 2
    with (
        pytest.raises(jax.errors.JaxRuntimeError, match=MESSAGE),
        jaxsparse.checking_sites(),
    ):
        add(OTHER, X)
    assert add(OTHER, X)[0, 0] == 2


def in_a_thread(function, *arguments):
    thread = threading.Thread(target=function, args=arguments)
    thread.start()
    thread.join()


def open_and_close_a_block():
    with jaxsparse.checking_sites():
        pass


@pytest.mark.parametrize("block", [lambda add: add(X, X), lambda add: open_and_close_a_block()])
def test_programs_compare_whatever_another_thread_does_within_the_block(block):
    add = jax.jit(lambda x, y: (x + y).features)

    def run():
        in_a_thread(block, add)
        add(OTHER, X)

    with pytest.raises(jax.errors.JaxRuntimeError, match=MESSAGE), jaxsparse.checking_sites():
        run()
    assert add(OTHER, X)[0, 0] == 2


def by_hand(coords, count):
    return jaxsparse.SparseTensor(
        coords=jnp.array(coords, jnp.int32),
        features=jnp.ones((len(coords), 1)),
        num_active=jnp.int32(count),
        spatial_shape=(8,),
        batch_size=1,
        stride=(1,),
    )


@pytest.mark.parametrize(
    ("coords", "count", "text"),
    [
        ([[0, 5], [0, 3]], 2, r"\[0, 5\] in row 0 before \[0, 3\]: must be in lexicographic order"),
        ([[0, 3], [0, 3]], 2, r"\[0, 3\] in row 0 before \[0, 3\]: .* none twice, make the tensor"),
        ([[0, 3], [0, 8]], 2, r"\[0, 8\] in row 1: must be from 0 to below \[1, 8\], event first"),
        ([[0, 3], [1, 3]], 2, r"\[1, 3\] in row 1: must be from 0 to below \[1, 8\]"),
        ([[0, -1], [0, 3]], 2, r"\[0, -1\] in row 0: must be from 0"),
        ([[0, 3], [0, 0]], 1, r"\[0, 0\] in row 1, after its 1 sites: padding rows must hold -1"),
        ([[0, 3], [0, 4]], 3, "num_active is 3: must be from 0 to the 2 rows"),
    ],
)
def test_a_program_finds_out_that_a_tensor_made_by_hand_breaks_the_rules(coords, count, text):
    x = by_hand(coords, count)
    near = functools.partial(ops.submanifold_connection, region=ops.hypercube(3, 1))
    for make in (functools.partial(jaxsparse.geometry, levels=1), near):
        with pytest.raises(InputError, match=text), jaxsparse.checking_sites():
            make(x)
        with pytest.raises(jax.errors.JaxRuntimeError, match=text), jaxsparse.checking_sites():
            jax.jit(make)(x)


@pytest.mark.parametrize("coords", [[[0, 1], [0, 3], [-1, -1]], [[0, 0], [0, 1], [0, 7]]])
def test_a_tensor_made_by_hand_that_keeps_the_rules_passes(coords):
    count = sum(event >= 0 for event, _ in coords)
    with jaxsparse.checking_sites():
        for x in (by_hand(coords, count), by_hand([[-1, -1]], 0)):
            jax.jit(jax.vmap(functools.partial(jaxsparse.geometry, levels=2)))(ops.stack([x, x]))
            jaxsparse.geometry(x, levels=2)
