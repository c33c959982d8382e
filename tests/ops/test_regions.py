"""Kernel regions: which offsets, and in which order."""

import itertools
from typing import Any

import numpy as np
import pytest

from jaxsparse import InputError
from jaxsparse.ops import Region, cross, hypercube


def around(region, site):
    return {tuple(np.add(site, offset)) for offset in region.offsets}


def test_the_regions_around_a_site_are_those_of_the_peers_tests():
    """Conformance case 2: 3x3 and 3x2 around (1, -1), as sets."""
    assert around(hypercube(3, 2), (1, -1)) == set(itertools.product(range(3), range(-2, 1)))
    expected = {(0, -1), (1, -1), (2, -1), (0, 0), (1, 0), (2, 0)}
    assert around(hypercube((3, 2), 2), (1, -1)) == expected


def test_the_last_axis_is_the_fastest():
    region = hypercube((2, 3, 2), 3, dilation=(1, 2, 3), padding=(0, 1, 4))
    expected = [
        (i, 2 * j - 1, 3 * k - 4) for i, j, k in itertools.product(range(2), range(3), range(2))
    ]
    assert list(region.offsets) == expected
    assert (region.low, region.high, region.taps, region.dim) == ((0, -1, -4), (1, 3, -1), 12, 3)


@pytest.mark.parametrize("dim", [1, 2, 3, 4])
def test_odd_boxes_and_crosses_are_centred_and_symmetric(dim):
    for region in (hypercube(3, dim, dilation=2), cross(5, dim)):
        assert region.symmetric
        assert region.offsets[region.taps // 2] == (0,) * dim
    assert cross(5, dim).taps == 1 + 4 * dim
    assert not hypercube(2, dim).symmetric
    assert not hypercube(3, dim, padding=0).symmetric


def test_a_cross_with_sizes_per_axis_has_arms_of_those_lengths():
    offsets = set(cross((1, 3, 5), 3, dilation=(1, 1, 2)).offsets)
    assert offsets == {(0, 0, 0), (0, -1, 0), (0, 1, 0), *((0, 0, k) for k in (-4, -2, 2, 4))}


def test_outputs_of_one_input_are_counted_by_residue():
    for size, stride, expected in ((2, 2, 1), (3, 2, 4), (4, 2, 4), (3, 1, 9), (3, 5, 1)):
        assert hypercube(size, 2).taps_per_input(stride) == expected


def test_integers_of_numpy_are_integers():
    sizes: list[Any] = [np.array([3, 2]), (np.int64(3), 2), np.int32(3)]
    assert [hypercube(size, 2).taps for size in sizes] == [6, 6, 9]


def test_a_region_is_refused_in_one_line():
    wrong: dict[str, Any] = {"half": 2.5, "text": "33", "mixed": (3, 2.5), "float": 2.0}
    for make, text in (
        (lambda: Region(()), "offsets is empty"),
        (lambda: Region(((0,), (0, 1))), "as many in each"),
        (lambda: Region(((1, 1), (0, 1), (1, 1))), r"\(1, 1\) more than once"),
        (lambda: Region(((2**30,),)), "must stay below"),
        (lambda: hypercube((3, 3), 3), "kernel_size is"),
        (lambda: hypercube(0, 2), "kernel_size is 0"),
        (lambda: hypercube(3, 2, dilation=0), "dilation is 0"),
        (lambda: hypercube(3, 2, padding=(-1, 0)), "padding is"),
        (lambda: hypercube(3, 5), "dim is 5"),
        (lambda: cross(4, 2), "needs odd sizes"),
        (lambda: hypercube(wrong["half"], 1), "kernel_size is 2.5: must be an integer from 1 to"),
        (lambda: hypercube(wrong["text"], 2), "kernel_size is '33'"),
        (lambda: hypercube(wrong["mixed"], 2), "kernel_size is"),
        (lambda: hypercube(3, wrong["float"]), "dim is 2.0"),
        (lambda: cross(3, 2, dilation=wrong["half"]), "dilation is 2.5"),
        (lambda: Region(((1, 2), wrong["mixed"])), "offsets is"),
        (lambda: Region(wrong["mixed"]), "offsets is 3"),
    ):
        with pytest.raises(InputError, match=text) as error:
            make()
        assert "\n" not in str(error.value)
