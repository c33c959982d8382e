"""Whether calls from many threads at once give what one gives."""

from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np


def same_bits_in_many_threads(run, threads, calls):
    """``run()`` gives an array or a pytree of them."""
    expected = [np.asarray(part) for part in jax.tree.leaves(run())]
    with ThreadPoolExecutor(threads) as pool:
        for results in pool.map(lambda _: jax.block_until_ready(run()), range(calls)):
            for one, other in zip(jax.tree.leaves(results), expected, strict=True):
                np.testing.assert_array_equal(one, other)
