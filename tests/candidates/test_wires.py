"""Candidates of wire planes, against a look at every voxel."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from jaxsparse.candidates.wires import wire_candidates
from jaxsparse.errors import InputError
from tests.candidates.small_chamber import (
    CHAMBER,
    OFFSET,
    ROWS,
    WIRES,
    plane_view,
    random_dead,
    random_planes,
)

ANGLES = {"U": 60.0, "V": -60.0, "Y": 0.0}


def nearest_wire(name, y, z):
    angle = math.radians(ANGLES[name])
    up, along = -3.0 + 0.3 * (y + 0.5), 0.3 * (z + 0.5)
    return math.floor((along * math.cos(angle) + up * math.sin(angle) + OFFSET[name]) / 0.3)


def by_every_voxel(views, dead, blind):
    """Voxel to the coordinates of its pixels, ``None`` where a plane is blind."""
    pixels = {name: set(map(tuple, view.coords.tolist())) for name, view in views.items()}
    found = {}
    for row, y, z in itertools.product(range(ROWS), range(20), range(20)):
        shown: list[tuple[int, int] | None] = []
        for name in WIRES:
            wire = nearest_wire(name, y, z)
            if name in views and (row, wire) in pixels[name]:
                shown.append((row, wire))
            elif name not in views or not 0 <= wire < WIRES[name] or wire in dead.get(name, ()):
                shown.append(None)
        if len(shown) == 3 and shown.count(None) <= blind:
            found[row, y, z] = shown
    return found


def as_dictionary(candidates, views):
    shown = [
        [tuple(views[name].coords[row]) if row >= 0 else None for row in candidates.pixels[name]]
        if name in views
        else [None] * len(candidates)
        for name in WIRES
    ]
    places = map(tuple, candidates.coords.tolist())
    return dict(zip(places, map(list, zip(*shown, strict=True)), strict=True))


@pytest.mark.parametrize("blind", [0, 1])
@pytest.mark.parametrize("seed", range(4))
def test_candidates_are_the_voxels_on_which_planes_agree(seed, blind):
    views, dead = random_planes(seed), random_dead(seed)
    found = wire_candidates(views, CHAMBER, dead_wires=dead, blind=blind)
    expected = by_every_voxel(views, dead, blind)
    assert as_dictionary(found, views) == expected
    assert len(expected) > 5
    assert found.coords.tolist() == sorted(found.coords.tolist())
    assert found.shape == (ROWS, 20, 20)


@pytest.mark.parametrize("missing", WIRES)
def test_to_a_plane_that_is_missing_everything_is_blind(missing):
    views = random_planes(7)
    del views[missing]
    found = wire_candidates(views, CHAMBER)
    assert as_dictionary(found, views) == by_every_voxel(views, {}, 1)
    assert missing not in found.pixels


@pytest.mark.parametrize("dark", [("V",), ("U", "V", "Y")])
def test_planes_all_of_whose_wires_are_dead(dark):
    dead = {name: np.arange(WIRES[name]) for name in dark}
    views = {
        name: view.take(slice(0)) if name in dark else view
        for name, view in random_planes(3).items()
    }
    found = wire_candidates(views, CHAMBER, dead_wires=dead)
    assert as_dictionary(found, views) == by_every_voxel(views, dead, 1)
    assert (len(found) > 0) == (len(dark) == 1)


def test_another_order_of_pixels_gives_the_same_candidates():
    views = random_planes(1)
    rng = np.random.default_rng(0)
    mixed = {name: view.take(rng.permutation(len(view))) for name, view in views.items()}
    one, other = (wire_candidates(some, CHAMBER) for some in (views, mixed))
    assert as_dictionary(one, views) == as_dictionary(other, mixed)


def test_events_without_pixels_and_with_one_have_no_candidate():
    none = {name: plane_view([], name) for name in WIRES}
    one = {**none, "U": plane_view([[2, 3]], "U")}
    assert len(wire_candidates(none, CHAMBER)) == len(wire_candidates(one, CHAMBER)) == 0


def test_full_planes_agree_on_every_voxel(monkeypatch):
    monkeypatch.setattr("jaxsparse.candidates.wires.PAIRS_AT_ONCE", 100)
    views = {
        name: plane_view(np.argwhere(np.ones((ROWS, wires))), name) for name, wires in WIRES.items()
    }
    assert len(wire_candidates(views, CHAMBER)) == ROWS * 20 * 20


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"U": None, "V": None}, {}, "the event has views Y: candidates need 2 of U, V, Y"),
        ({"U": None}, {"blind": 0}, "the event has views V, Y: candidates need 3 of U, V, Y"),
        ({"Y": {"shape": (9, 9)}}, {}, "view Y is an image of (9, 9) from (0, 0) on: candidates"),
        ({"Y": {"corner": (0, 4)}}, {}, "view Y is an image of (4, 20) from (0, 4) on: candidates"),
        ({}, {"most": 8}, "candidates, but 8 are the most: mask its noise, or raise the limit"),
        ({}, {"most": 0}, "pairs of pixels of U and V, but 0 are the most"),
    ],
)
def test_what_has_no_candidates_is_one_line(change, options, message):
    views = {**random_planes(2), **{name: None for name in change if change[name] is None}}
    views = {
        name: dataclasses.replace(view, **(change.get(name) or {}))
        for name, view in views.items()
        if view is not None
    }
    with pytest.raises(InputError) as error:
        wire_candidates(views, CHAMBER, **options)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
