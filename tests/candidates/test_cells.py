"""Candidates of planes of cells, against a look at every pair of hits."""

import dataclasses

import numpy as np
import pytest

from jaxsparse.candidates.cells import cell_candidates
from jaxsparse.data.schema import View
from jaxsparse.errors import InputError
from tests.random_views import random_cells

SHAPE = (12, 6)
CORNERS = {"even": {"XZ": (30, 7), "YZ": (30, 9)}, "odd": {"XZ": (31, 7), "YZ": (30, 9)}}


def hits(coords, corner):
    coords = np.array(coords, np.int32).reshape(-1, 2)
    return View(coords, np.ones(len(coords), np.float32), SHAPE, corner=corner)


def random_hits(seed, corners="even", number=8):
    rng = np.random.default_rng(seed)
    return {
        name: hits(random_cells(rng, number, SHAPE), corner)
        for name, corner in CORNERS[corners].items()
    }


def by_every_pair(views, reach):
    """Pair of coordinates to (plane before the middle, cell in x, cell in y)."""
    planes = {
        name: [2 * (view.corner[0] + int(row)) + parity for row, _ in view.coords]
        for parity, (name, view) in enumerate(views.items())
    }
    first = min(2 * view.corner[0] + parity for parity, view in enumerate(views.values()))
    found: dict = {}
    seen: set = set()
    for away in range(1, reach + 1):
        new = [
            (i, j)
            for i, own in enumerate(planes["XZ"])
            for j, other in enumerate(planes["YZ"])
            if abs(own - other) == 2 * away - 1 and not {("XZ", i), ("YZ", j)} <= seen
        ]
        seen |= {hit for i, j in new for hit in (("XZ", i), ("YZ", j))}
        for i, j in new:
            x, y = views["XZ"].coords[i], views["YZ"].coords[j]
            before = (planes["XZ"][i] + planes["YZ"][j] - 1) // 2 - first
            found[tuple(x), tuple(y)] = (before, x[1], y[1])
    return found


def as_dictionary(candidates, views):
    pairs = zip(
        *(map(tuple, views[name].coords[candidates.pixels[name]]) for name in views), strict=True
    )
    return dict(zip(pairs, map(tuple, candidates.coords.tolist()), strict=True))


@pytest.mark.parametrize("corners", CORNERS)
@pytest.mark.parametrize("reach", [1, 2, 3])
def test_candidates_are_pairs_in_neighbouring_planes_and_then_in_the_next(reach, corners):
    for seed in range(5):
        views = random_hits(seed, corners)
        found = cell_candidates(views, reach=reach)
        expected = by_every_pair(views, reach)
        assert as_dictionary(found, views) == expected
        assert len(set(expected.values())) == len(found) > 0  # no two at one site
        assert found.coords.tolist() == sorted(found.coords.tolist())
        assert found.shape == (24, 6, 6)
        assert (found.coords >= 0).all()
        assert (found.coords < found.shape).all()


def test_another_order_of_hits_gives_the_same_candidates():
    views = random_hits(1)
    mixed = {name: view.take(np.arange(len(view))[::-1]) for name, view in views.items()}
    one, other = (cell_candidates(some) for some in (views, mixed))
    assert as_dictionary(one, views) == as_dictionary(other, mixed)


def test_events_without_hits_and_with_one_have_no_candidate():
    none = {name: hits([], corner) for name, corner in CORNERS["even"].items()}
    one = {**none, "YZ": hits([[3, 3]], CORNERS["even"]["YZ"])}
    assert len(cell_candidates(none)) == len(cell_candidates(one)) == 0


def with_corner(view, corner):
    return dataclasses.replace(view, corner=corner)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda views: {"XZ": views["XZ"]}, {}, "views XZ: candidates need 2 of XZ, YZ"),
        (
            lambda views: {**views, "YZ": with_corner(views["YZ"], None)}, {},
            "view YZ does not say which planes it shows",
        ),
        (
            lambda views: {**views, "YZ": with_corner(views["YZ"], (40, 9))}, {},
            "views XZ and YZ begin at planes 60 and 81 and have 12 and 12: give views of one event",
        ),
        (lambda views: views, {"most": 2}, "candidates, but 2 are the most"),
    ],
)  # fmt: skip
def test_what_has_no_candidates_is_one_line(change, options, message):
    with pytest.raises(InputError) as error:
        cell_candidates(change(random_hits(2)), **options)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
