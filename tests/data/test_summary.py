import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxsparse.data.links import Links
from jaxsparse.data.schema import View
from jaxsparse.data.summary import ViewSummary, active_neighbours, summary_lines

SHAPE = (9, 7)
sites = st.sets(st.tuples(st.integers(0, 8), st.integers(0, 6)), min_size=1, max_size=40)


@given(sites)
def test_neighbours_are_those_of_a_dense_window(chosen):
    coords = np.array(sorted(chosen))
    dense = np.zeros((11, 9))
    dense[tuple(coords.T + 1)] = 1
    expected = np.mean([dense[i : i + 3, j : j + 3].sum() for i, j in coords])
    assert active_neighbours(coords, SHAPE) == pytest.approx(expected)


def test_a_full_cube_has_27_neighbours_inside():
    coords = np.argwhere(np.ones((3, 3, 3)))
    # centre 27, faces 18, edges 12, corners 8
    assert active_neighbours(coords, (3, 3, 3)) == pytest.approx((27 + 6 * 18 + 12 * 12 + 64) / 27)


@given(sites)
def test_levels_halve_the_coordinates(chosen):
    counts = [len({(i >> k, j >> k) for i, j in chosen}) for k in range(5)]
    summary = ViewSummary(SHAPE, 0)
    summary.add(View(np.array(sorted(chosen)), np.ones(len(chosen), np.float32), SHAPE))
    assert summary.levels.tolist() == counts


def test_links_are_counted_of_the_pixels_that_the_mask_keeps():
    summary = ViewSummary((9,), 0, high=300)
    links = Links.of([0, 0, 1, 3], [2, 4, 0, 1], [0.5, 0.25, 1.0, 1.0], 4)
    values = np.array([10.0, 30.0, 20.0, 301.0], np.float32)
    summary.add(View(np.arange(4)[:, None], values, (9,), links={"voxels": links}))
    found = summary.figures(())
    # 3 pixels hold 60; two are linked, to 2 and to 1 voxels, with 7.5 and 30
    assert found["links"] == {
        "voxels": pytest.approx({"pixels": 2 / 3, "rows": 1.5, "values": 0.625})
    }
    line = "links to voxels   66.7 % of the pixels, to 1.5 each, with 62.5 % of the values"
    assert list(summary_lines(found, (9,)))[-1] == line


def test_a_summary_counts_what_the_mask_keeps():
    summary = ViewSummary((8, 8), 5, 10, 300)
    coords = np.array([[0, 0], [0, 1], [4, 4], [7, 7]], np.int32)
    summary.add(
        View(
            coords,
            np.array([10, 50, 9.9, 301], np.float32),
            (8, 8),
            labels=np.array([1, -1, 0, 0], np.int8),
            interaction=np.array([True, False, True, True]),
            overlap=np.array([2, 0, 3, 3], np.uint8),
            share=np.array([0.7, 0.0, 0.2, 0.1], np.float32),
            primary_share=np.array([0.95, 0.0, 0.2, 0.1], np.float32),
            along_spread=np.array([3.0, np.nan, 9.0, 9.0], np.float32),
        )
    )
    summary.add(View(np.zeros((0, 2), np.int32), np.zeros(0, np.float32), (8, 8)))
    lines = list(summary_lines(summary.figures(("a", "b", "c", "d", "e")), (8, 8)))
    assert lines[0].startswith("sites per event   0 / 0 / 1 / 1 / 1 / 2")
    assert "1.5625 %" in lines[1]
    assert "mean 30.00, standard deviation 20.00" in lines[2]
    assert lines[3].split()[2] == "2.00"
    assert "1.000 / 0.500 / 0.500 / 0.500 / 0.500" in lines[4]
    assert "b 100.00 %" in lines[5]
    assert "(no class 50.00 %)" in lines[5]
    assert "50.0 %, overlapping 50.0 %" in lines[6]
    # Of the two pixels in the mask one has an instance.
    assert lines[7] == (
        "leading share     below 0.9 in 100.0 %, below 0.6 in 0.0 % of the pixels with an instance"
    )
    assert lines[8].startswith("primary's share   below 0.9 in 0.0 %")
    assert lines[9] == "along the cell    known for 50.0 %, spread 3.0 cm on average"
    figures = summary.figures(("a", "b", "c", "d", "e"), ("plane", "cell"))
    extent = list(summary_lines(figures, (8, 8)))[3]
    assert "plane 1 of 8, cell 2 of 8" in extent


def test_a_summary_of_nothing_can_be_read():
    summary = ViewSummary((8, 8), 5)
    assert list(summary_lines(summary.figures(()), (8, 8))) == ["no events"]
