"""Images as callers have them: what is refused, and the sites that come of the rest."""

import numpy as np
import pytest

from jaxsparse.data.pixels import Pixels
from jaxsparse.deploy.standalone import ModelError
from jaxsparse.deploy.standalone.images import Transform, sites_of
from tests.random_views import random_cells

PLAIN = Transform(low=10, high=300, coarsen=1, halo=0, mean=0, std=1)


@pytest.mark.parametrize(
    ("coords", "values", "message"),
    [
        ([[1, 2]], [20, 30], r"coords are \[1, 2\] and values \[2\], they must be \[pixels, 2\]"),
        ([[1, 2, 3]], [20], r"coords are \[1, 3\]"),
        ([1, 2], [20, 30], r"coords are \[2\]"),
        ([[1, 2]], [[20]], r"values \[1, 1\]"),
        ([[1.5, 2]], [20], "coords must be whole numbers"),
        ([[np.nan, 2]], [20], "coords must be whole numbers"),
        ([["1", "2"]], [20], "coords must be whole numbers"),
        ([[1, -1]], [20], "coords must be whole numbers, counted from 0"),
        ([[1, 7]], [20], r"go up to \[1, 7\] but the model takes images of \[8, 7\].*swapped"),
        ([[8, 7]], [20], r"go up to \[8, 7\] .* counted from 0: export it with a larger --shape"),
        ([[1, 2]], np.ma.array([20.0], mask=[True]), "a masked array, leave the masked pixels out"),
        ([[1, 2**40]], [20], r"go up to \[1, 1099511627776\]"),
        ([[1, 2], [3, 4], [1, 2]], [20, 20, 20], "have a pixel twice"),
        ([[1, 2]], [np.nan], "values must be finite"),
        ([[1, 2]], [1e300], "values must be finite"),
        ([[1, 2]], [-1.0], "values must be finite numbers and not negative"),
        ([[1, 2]], [True], "values must be finite numbers"),
        ([[1, 2]], ["x"], "values must be finite numbers"),
        ([[1, 2], [3]], [20, 20], "must be arrays of numbers"),
    ],
)
def test_what_is_no_image_is_one_line(coords, values, message):
    with pytest.raises(ModelError, match=message) as error:
        sites_of("Y", (8, 7), coords, values, PLAIN)
    assert str(error.value).startswith("view Y: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("dtype", [np.int16, np.uint64, np.float32])
def test_any_type_that_holds_whole_numbers_will_do(dtype):
    coords = np.array([[5, 1], [0, 3]], dtype)
    sites = sites_of("Y", (8, 8), coords, np.array([20, 30], np.uint8), PLAIN)
    assert sites.coords.tolist() == [[0, 3], [5, 1]]
    assert sites.rows.tolist() == [1, 0]


@pytest.mark.parametrize("coords", [np.zeros((0, 2)), []])
def test_no_pixel_is_an_image_too(coords):
    sites = sites_of("Y", (8, 8), coords, [], PLAIN)
    assert sites.level_counts(3) == [0, 0, 0]
    coords, features, number = sites.padded(4)
    assert coords.tolist() == [[-1] * 3] * 4
    assert features.sum() == number == 0


@pytest.mark.parametrize("shape", [(20, 30), (9, 8, 11)])
def test_levels_are_counted_as_for_batches(shape):
    coords = random_cells(np.random.default_rng(2), 60, shape)
    sites = sites_of("Y", shape, coords[::-1], np.full(60, 20.0), PLAIN)
    pixels = Pixels(coords, np.ones(60, np.float32), np.array([60]), shape)
    assert sites.level_counts(4) == pixels.level_counts(4)[0].tolist()
    np.testing.assert_array_equal(sites.coords, coords)
