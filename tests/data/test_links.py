"""Links between views beside plain dictionaries: made, moved, merged, and led to what is left."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxsparse.data import transforms
from jaxsparse.data.links import Links
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import Event
from jaxsparse.errors import InputError
from tests.data.chains import STEPS, Chain, assert_images, assert_shares, image_of

PLANE, VOXELS = (9, 7), (5, 4, 6)
steps = st.lists(st.sampled_from([step for step in STEPS if step != "events"]), max_size=4)


def table_of(links: Links) -> list[dict[int, float]]:
    """Of every pixel its rows with their shares."""
    table: list[dict[int, float]] = [{} for _ in range(len(links))]
    for owner, row, share in zip(links.owner, links.rows, links.shares, strict=True):
        assert int(row) not in table[owner]
        table[owner][int(row)] = float(share)
    return table


def with_zeros(view, rng):
    return dataclasses.replace(view, values=view.values * (rng.random(len(view)) < 0.7))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 7)), max_size=20))
def test_entries_in_any_order_are_a_table_in_which_equal_ones_are_added_up(entries):
    expected: list[dict[int, float]] = [{} for _ in range(5)]
    for owner, row, share in entries:
        expected[owner][row] = expected[owner].get(row, 0.0) + share
    owner, rows, shares = zip(*entries, strict=True) if entries else ((), (), ())
    links = Links.of(owner, rows, shares, 5)
    assert table_of(links) == expected
    assert links.totals.tolist() == [sum(one.values()) for one in expected]
    for first, last in zip(links.offsets[:-1], links.offsets[1:], strict=True):
        assert (np.diff(links.rows[first:last]) > 0).all()
    assert (links.offsets.dtype, links.rows.dtype, links.shares.dtype) == (
        np.int64, np.int32, np.float32,
    )  # fmt: skip


def test_a_table_prints_its_size_and_not_its_arrays():
    assert repr(Links.of([0, 2, 2], [7, 4, 3], [1, 0.5, 0.25], 3)) == "Links(3 pixels, 3 entries)"


def test_an_entry_of_no_pixel_is_refused():
    for owner in (-1, 3):
        with pytest.raises(InputError, match=rf"owner has pixel {owner}: it must lie in \[0, 3\)"):
            Links.of([0, owner], [1, 1], [0.5, 0.5], 3)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (([0.9], [1], [1.0]), "owner 0.9 of entry 0 must be a whole number"),
        (([0], [1.7], [1.0]), "rows 1.7 of entry 0 must be a whole number"),
        (([0], [2**32 + 1], [1.0]), "rows 4294967297 of entry 0 must be a whole number"),
        (([0], [1], ["all"]), "shares all of entry 0 must be a number"),
        (([0, 1], [1], [1.0, 1.0]), "owner, rows and shares have 2, 1 and 2 entries"),
        (([0, 1], [1, 2], [1.0]), "owner, rows and shares have 2, 2 and 1 entries"),
    ],
)
def test_an_entry_that_would_be_another_one_is_refused(entries, message):
    owner, rows, shares = entries
    with pytest.raises(InputError, match=message):
        Links.of(owner, rows, shares, 3)


def test_tables_of_the_same_entries_are_equal():
    links = Links.of([0, 1], rows=[4, 5], shares=[1.0, 0.5], pixels=3)
    assert links == Links.of([1, 0], rows=[5, 4], shares=[0.5, 1.0], pixels=3)
    for other in (
        Links.of([0, 2], rows=[4, 5], shares=[1.0, 0.5], pixels=3),
        Links.of([0, 1], rows=[4, 6], shares=[1.0, 0.5], pixels=3),
        Links.of([0, 1], rows=[4, 5], shares=[1.0, 0.25], pixels=3),
        links.take(slice(2)),
        None,
    ):
        assert links != other


@settings(max_examples=150, deadline=None)
@given(
    lengths=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=3),
    plane_steps=steps,
    voxel_steps=steps,
    seed=st.integers(0, 2**31),
    data=st.data(),
)
def test_charge_stays_linked_through_any_chains_of_both_views(
    make_view, make_links, lengths, plane_steps, voxel_steps, seed, data
):
    """A share of a pixel is the share of its charge that came from what it leads to."""
    rng = np.random.default_rng(seed)
    planes, voxels = [], []
    for pixels, rows in lengths:
        plane = with_zeros(make_view(rng, pixels, PLANE), rng)
        links = {"voxels": make_links(rng, pixels, rows)}
        planes.append(dataclasses.replace(plane, links=links))
        voxel = with_zeros(make_view(rng, rows, VOXELS), rng)
        voxels.append(dataclasses.replace(voxel, links={"voxels": Links.own([rows])}))
    plane, voxel = Chain(data, Pixels.of(planes, PLANE)), Chain(data, Pixels.of(voxels, VOXELS))
    for chain, some in ((plane, plane_steps), (voxel, voxel_steps)):
        for step in some:
            getattr(chain, step)()
    kept = np.flatnonzero(plane.integers(0, 1, len(lengths)))
    for chain in (plane, voxel):
        chain.events(kept)
        assert_images(chain.pixels, chain.images, chain.shape)

    found = plane.pixels.linked_to(voxel.pixels, "voxels")
    assert len(found) == len(plane.pixels)
    table = table_of(found)
    for row, event in enumerate(plane.pixels.event):
        there = voxel.images[event]
        shares = plane.images[event][tuple(plane.pixels.coords[row].tolist())][1]["links"]
        expected: dict[int, float] = {}
        for old, share in shares.get("voxels", {}).items():
            for cell, (_, truth) in there.items():
                if old in truth["links"].get("voxels", {}):
                    same = (voxel.pixels.coords == cell).all(1) & (voxel.pixels.event == event)
                    place = int(np.flatnonzero(same)[0])
                    expected[place] = expected.get(place, 0.0) + share
        assert_shares(table[row], expected)


def test_coarsening_keeps_the_charge_in_every_row(make_view, make_links):
    rng = np.random.default_rng(5)
    view = make_view(rng, 40, PLANE)
    links = make_links(rng, 40, 6)
    pixels = Pixels.of([dataclasses.replace(view, links={"voxels": links})])

    def charge(some: Pixels) -> np.ndarray:
        table = some.links["voxels"]
        return np.bincount(table.rows, some.values[table.owner] * table.shares, 6)

    before = charge(pixels)
    assert (before > 0).all()
    for factor in (2, 3):
        pixels = transforms.coarsen(pixels, factor)
        np.testing.assert_allclose(charge(pixels), before, rtol=1e-5)


def test_parts_without_charge_have_no_share_and_count_alike_where_none_has_any():
    links = Links.of([0, 1, 2], rows=[4, 5, 6], shares=[1.0, 1.0, 0.5], pixels=3)
    together, values = np.zeros(3, int), np.array([3.0, 0.0, 1.0])
    assert table_of(links.merged(together, values, 1)) == [{4: 0.75, 5: 0.0, 6: 0.125}]
    assert table_of(links.merged(together, np.array([3.0, -9.0, 1.0]), 1))[0][4] == 0.75
    for none in (np.zeros(3), np.array([-1.0, 0.0, -2.0])):
        assert_shares(
            table_of(links.merged(together, none, 1))[0], {4: 1 / 3, 5: 1 / 3, 6: 0.5 / 3}
        )


def test_images_with_links_are_joined_and_cut_without_a_loss(make_view, make_links):
    rng = np.random.default_rng(2)
    views = [
        dataclasses.replace(make_view(rng, n, PLANE), links={"voxels": make_links(rng, n, 4)})
        for n in (5, 0, 8)
    ]
    pixels = Pixels.of(views)
    for joined in (pixels, Pixels.joined([Pixels.of(views[:1]), Pixels.of(views[1:])])):
        for before, after in zip(views, joined.views(), strict=True):
            assert image_of(after) == image_of(before)
    bare = dataclasses.replace(views[0], links={})
    assert Pixels.of([*views, bare]).links == Pixels.of([], PLANE).links == {}


def test_an_event_whose_voxels_are_cut_links_to_those_that_are_left(make_view, make_links):
    rng = np.random.default_rng(3)
    plane, voxels = make_view(rng, 30, PLANE), make_view(rng, 12, VOXELS)
    links, back = make_links(rng, 30, 12), make_links(rng, 12, 30)
    event = Event(
        0,
        {
            "Y": dataclasses.replace(plane, links={"voxels": links}),
            "voxels": dataclasses.replace(voxels, links={"Y": back}),
        },
    )
    for rows in (np.array([0, 4, 11]), rng.random(12) < 0.5, np.zeros(12, bool)):
        kept = np.arange(12)[rows].tolist()
        cut = event.take("voxels", rows)
        assert table_of(cut.views["Y"].links["voxels"]) == [
            {kept.index(row): share for row, share in one.items() if row in kept}
            for one in table_of(links)
        ]
        assert table_of(cut.views["voxels"].links["Y"]) == [table_of(back)[row] for row in kept]
        np.testing.assert_array_equal(cut.views["voxels"].coords, voxels.coords[rows])
    assert table_of(event.views["Y"].links["voxels"]) == table_of(links)


def test_links_that_were_not_read_and_views_of_other_events_are_named(make_view):
    view = make_view(np.random.default_rng(0), 3)
    linked = Pixels.of([dataclasses.replace(view, links={"Y": Links.own([3])})])
    for first, second in ((linked, Pixels.of([view])), (Pixels.of([view]), linked)):
        with pytest.raises(InputError, match="links to view 'Y' are not there: read them"):
            first.linked_to(second, "Y")
    with pytest.raises(InputError, match="1 events of one view and 0 of the other"):
        linked.linked_to(linked.events(np.zeros(0, int)), "Y")
