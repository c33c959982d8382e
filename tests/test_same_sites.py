"""What no trace can tell, a program that is told to check finds out when it runs."""

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsparse
from jaxsparse import ops


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
