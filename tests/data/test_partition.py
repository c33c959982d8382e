"""The parts of a file: by content, so that duplicates stay together, and by class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jaxsparse.data.partition import PARTS, content_hashes, part_numbers, select_events
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import View
from jaxsparse.errors import InputError
from tests.random_views import random_cells

SHAPE, VIEWS = (16, 12), ("XZ", "YZ")
NUM_UNIQUE = 150


class Events:
    """150 events, all of them again in another order, then small changes of the first."""

    view_shapes: dict[str, tuple[int, ...]] = dict.fromkeys(VIEWS, SHAPE)
    event_classes: tuple[str, ...] = ("numu", "nue", "nc")

    def __init__(self):
        rng = np.random.default_rng(0)
        self.events = [[self.view(rng) for _ in VIEWS] for _ in range(NUM_UNIQUE)]
        self.copies = rng.permutation(NUM_UNIQUE)
        self.events += [self.events[number] for number in self.copies]
        first, second = self.events[0]
        louder = View(first.coords, first.values + 1, SHAPE)
        self.changed = [[louder, second], [second, first], [first.take(np.arange(3)), second]]
        self.events += self.changed

    def view(self, rng):
        coords = random_cells(rng, int(rng.integers(4, 30)), SHAPE)
        return View(coords, rng.integers(1, 256, len(coords)).astype(np.float32), SHAPE)

    @property
    def event_labels(self):
        return (np.arange(len(self)) % 4 - 1).astype(np.int32)

    def __len__(self):
        return len(self.events)

    def truth_columns(self, name):
        return ()

    def further_values(self, name):
        return ()

    def linked_views(self, name):
        return ()

    def read_links(self, indices, name, to):
        raise AssertionError(f"no view has links, {name} was asked for some")

    def read_pixels(self, indices, name, columns=None):
        place = VIEWS.index(name)
        return Pixels.of([self.events[index][place] for index in indices], SHAPE)

    def num_pixels(self, name):
        return self.read_pixels(range(len(self)), name).lengths


@pytest.fixture(scope="module")
def source():
    return Events()


@pytest.fixture(scope="module")
def hashes(source):
    return content_hashes(source, VIEWS)


def test_equal_events_have_equal_hashes_and_others_have_not(source, hashes):
    np.testing.assert_array_equal(hashes[NUM_UNIQUE : 2 * NUM_UNIQUE], hashes[source.copies])
    assert len(np.unique(hashes)) == NUM_UNIQUE + len(source.changed)


def test_a_value_a_view_and_a_pixel_all_matter(hashes):
    assert len({*hashes[-3:].tolist(), int(hashes[0])}) == 4


def test_no_duplicate_crosses_from_one_part_to_another(source, hashes):
    parts = part_numbers(hashes, (0.6, 0.2, 0.2))
    np.testing.assert_array_equal(parts[NUM_UNIQUE : 2 * NUM_UNIQUE], parts[source.copies])
    assert set(parts.tolist()) == {0, 1, 2}


def test_an_event_keeps_its_part_when_others_join_the_file(source, hashes):
    few = Events()
    few.events = few.events[:40]
    np.testing.assert_array_equal(content_hashes(few, VIEWS), hashes[:40])


def test_parts_are_disjoint_and_complete(source):
    options: dict[str, Any] = {"views": VIEWS, "fractions": (0.6, 0.2, 0.2), "keep_all": True}
    chosen = [select_events(source, part=part, **options).events for part in PARTS]
    assert sorted(np.concatenate(chosen).tolist()) == list(range(len(source)))


def test_two_parts_leave_no_test_events(source):
    options: dict[str, Any] = {"views": VIEWS, "fractions": (0.95, 0.05)}
    assert len(select_events(source, part="test", **options).events) == 0


def test_events_of_other_classes_are_left_out_and_counted(source):
    selection = select_events(source, views=VIEWS, classes=("nc", "numu"))
    labels = source.event_labels
    assert selection.events.tolist() == np.flatnonzero((labels == 0) | (labels == 2)).tolist()
    assert selection.left_out == {
        "nue": int((labels == 1).sum()), "no class": int((labels == -1).sum()),
    }  # fmt: skip
    assert selection.describe() == "151 events, left out 76 nue, 76 no class"
    everything = select_events(source, views=VIEWS, classes=("nc", "numu"), keep_all=True)
    assert (len(everything.events), everything.left_out) == (len(source), {})


@pytest.mark.parametrize(
    "fractions", [(0.9, 0.2), (1.0,), (0.0, 1.0), (0.5, 0.25, 0.2, 0.05), (1.5, -0.5), (0.9, 0.05)]
)
def test_fractions_that_are_no_shares_are_refused(hashes, fractions):
    with pytest.raises(InputError, match=r"data\.split is .*add up to 1"):
        part_numbers(hashes, fractions)


def test_an_unknown_part_is_refused(source):
    with pytest.raises(
        InputError, match="part is 'dev': it must be one of train, validation, test"
    ):
        select_events(source, views=VIEWS, part="dev")
