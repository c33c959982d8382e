"""Hashes of whole numbers, whole arrays at a time: the same on every machine and in any order.

Two things rest on them: random numbers that belong to an event rather than to the order in which
events are asked for, and the side of a split that an event's own pixels put it on.
"""

from __future__ import annotations

import numpy as np

# SplitMix64: G. L. Steele, D. Lea, C. H. Flood, OOPSLA 2014; constants of S. Vigna's public-domain
# implementation (prng.di.unimi.it/splitmix64.c).
_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def mix(words: np.ndarray) -> np.ndarray:
    """SplitMix64 of every word: uint64 in, uint64 out, one to one; every bit moves half of them.

    >>> [hex(word) for word in mix(np.array([0, 1], np.uint64)).tolist()]
    ['0xe220a8397b1dcdaf', '0x910a2dec89025cc1']
    """
    mixed = np.asarray(words, np.uint64).reshape(-1) + _STEP  # arrays wrap, scalars warn
    mixed ^= mixed >> np.uint64(30)
    mixed *= _FIRST
    mixed ^= mixed >> np.uint64(27)
    mixed *= _SECOND
    mixed ^= mixed >> np.uint64(31)
    return mixed.reshape(np.shape(words))


def combine(*words: np.ndarray | int) -> np.ndarray:
    """One hash of several words, uint64 of their common shape; their order matters.

    >>> first, second = combine(1, np.array([2, 3])), combine(2, np.array([1, 3]))
    >>> (first == second).tolist()
    [False, False]
    """
    state = np.zeros(1, np.uint64)
    for word in words:  # grows to the common shape where a word asks for it
        state = mix(state ^ np.atleast_1d(word).astype(np.uint64))
    return state


def uniform(*words: np.ndarray | int) -> np.ndarray:
    """A number in [0, 1) a hash: float64, 53 bits.

    >>> numbers = uniform(7, np.arange(100_000))
    >>> bool(abs(numbers.mean() - 0.5) < 0.005), bool(abs(numbers.std() - 12**-0.5) < 0.005)
    (True, True)
    """
    return (combine(*words) >> np.uint64(11)) * 2.0**-53


def normal(*words: np.ndarray | int) -> np.ndarray:
    """A number of the standard normal distribution a hash: float64, by Box and Muller.

    >>> numbers = normal(7, np.arange(100_000))
    >>> bool(abs(numbers.mean()) < 0.02), bool(abs(numbers.std() - 1) < 0.02)
    (True, True)
    """
    radius = np.sqrt(-2 * np.log1p(-uniform(*words, 0)))
    return radius * np.cos(2 * np.pi * uniform(*words, 1))
