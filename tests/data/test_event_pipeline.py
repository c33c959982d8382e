"""What masks, augments and numbers whole events before they are batched."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from jaxsparse.data.event_pipeline import EventPipeline
from jaxsparse.data.pixels import read_pixels
from jaxsparse.errors import InputError
from tests.data.whole_events import LEVELS, NUM_EVENTS, SHAPE, data, event_of, source

__all__ = ["data", "source"]  # fixtures

EVENTS = np.array([0, 3, 1, 0])


@pytest.fixture
def pipeline(source, data):
    def make(**options):
        data.update(options)
        return EventPipeline(source, data, levels=LEVELS, seed=5, augment=True)

    return make


def factors(pipeline, source, events=EVENTS, epochs=0):
    """The factor that every event's values were multiplied by, [views, events]."""
    found = []
    images = pipeline.images(events, epochs)
    for name, pixels in zip(pipeline.views, images, strict=True):
        ratio = (pixels.values * 16.27 + 14.57) / read_pixels(source, events, name).values
        each = np.split(ratio, np.cumsum(pixels.lengths)[:-1])
        for values in each:
            np.testing.assert_allclose(values, values[0], rtol=1e-4)  # one factor an event
        found.append([values[0] for values in each])
    return np.array(found)


def test_each_view_fluctuates_by_itself_or_all_share_one_factor(pipeline, source):
    own = factors(pipeline(), source)
    assert (abs(own[0] - own[1]) > 1e-3).all()
    shared = factors(pipeline(fluctuation_shared=True), source)
    np.testing.assert_allclose(shared[0], shared[1], rtol=1e-4)
    np.testing.assert_allclose(shared[0], own[0], rtol=1e-4)


def test_a_fluctuation_belongs_to_seed_epoch_and_event(pipeline, source):
    made = pipeline()
    values = factors(made, source)
    assert values[0, 0] == values[0, 3]  # event 0 twice
    assert abs(values[0, 0] - values[0, 1]) > 1e-3
    later = factors(made, source, epochs=1)
    assert (abs(later - values) > 1e-4).all()
    mixed = factors(made, source, epochs=np.array([1, 0, 0, 0]))
    assert mixed[0, 0] == later[0, 0]
    np.testing.assert_array_equal(mixed[:, 1:], values[:, 1:])


def test_fluctuations_have_the_spread_asked_for(pipeline, source):
    events = np.zeros(4000, np.int64)
    values = factors(pipeline(fluctuation=0.2), source, events, np.arange(4000))
    assert abs(values.mean() - 1) < 0.01
    assert abs(values.std() - 0.2) < 0.01
    assert abs(np.corrcoef(values)[0, 1]) < 0.05


def test_evaluation_and_zero_fluctuation_leave_values_alone(pipeline, source, data):
    np.testing.assert_allclose(factors(pipeline(fluctuation=0.0), source), 1, rtol=1e-5)
    plain = EventPipeline(source, data, levels=LEVELS)
    np.testing.assert_allclose(factors(plain, source), 1, rtol=1e-5)


def test_flips_mirror_the_common_axis_together_and_the_others_alone(pipeline, source):
    made = pipeline(flip_time=True, flip_wire=True, fluctuation=0.0)
    seen = set()
    for epoch in range(40):
        flipped = []
        for name, pixels in zip(made.views, made.images(np.array([1]), epoch), strict=True):
            plain = read_pixels(source, np.array([1]), name)
            for first, second in itertools.product((False, True), repeat=2):
                image = plain
                for axis, mirrored in enumerate((first, second)):
                    image = image.flip(axis, np.array([mirrored]))
                if np.array_equal(image.coords, pixels.coords):
                    flipped.append((first, second))
                    np.testing.assert_allclose(
                        pixels.values, (image.values - 14.57) / 16.27, rtol=1e-4, atol=1e-5
                    )
        (first, second), (also_first, other_second) = flipped
        assert first == also_first
        seen.add((first, second, other_second))
    assert len(seen) == 8


def test_shifts_move_all_views_along_the_common_axis_and_each_along_its_own(pipeline, source):
    made = pipeline(shift=3, fluctuation=0.0)
    events, seen = np.array([1, 0]), set()
    for epoch in range(60):
        found = []
        for name, pixels in zip(made.views, made.images(events, epoch), strict=True):
            plain = read_pixels(source, events, name)
            rows = pixels.event == 0
            for steps in itertools.product(range(4), repeat=2):
                moved = plain.coords[plain.event == 0] + steps
                inside = (moved < SHAPE).all(axis=1)
                if np.array_equal(moved[inside], pixels.coords[rows]):
                    found.append(steps)
                    values = plain.values[plain.event == 0][inside]
                    np.testing.assert_allclose(
                        pixels.values[rows], (values - 14.57) / 16.27, rtol=1e-4, atol=1e-5
                    )
        (first, second), (also_first, other_second) = found
        assert first == also_first
        seen.add((first, second, other_second))
    assert {step for step, _, _ in seen} == {second for _, second, _ in seen} == set(range(4))
    assert len(seen) > 30  # of 64


def test_dropped_pixels_are_the_share_asked_for_and_others_every_epoch(pipeline, source):
    made = pipeline(drop=0.3, fluctuation=0.0)
    events = np.arange(NUM_EVENTS)
    first, second = (made.images(events, epoch)[0] for epoch in (0, 1))
    np.testing.assert_array_equal(made.images(events, 0)[0].coords, first.coords)
    plain = read_pixels(source, events, "XZ")
    kept = [
        {(event, *place) for event, place in zip(p.event, map(tuple, p.coords), strict=True)}
        for p in (first, second, plain)
    ]
    assert kept[0] | kept[1] <= kept[2]
    assert len(kept[0]) / len(kept[2]) == pytest.approx(0.7, abs=0.04)
    assert len(kept[0] & kept[1]) / len(kept[2]) == pytest.approx(0.49, abs=0.04)
    values = {
        tuple(c): v for c, v in zip(plain.coords[plain.event == 0], plain.values, strict=False)
    }
    for place, value in zip(first.coords[first.event == 0], first.values, strict=False):
        assert value == pytest.approx((values[tuple(place)] - 14.57) / 16.27, rel=1e-4, abs=1e-5)


def test_coarse_pixels_hold_the_charge_of_their_block(pipeline, source):
    made = pipeline(coarsen=3, fluctuation=0.0)
    events = np.arange(NUM_EVENTS)
    for name, pixels in zip(made.views, made.images(events), strict=True):
        assert pixels.shape == (8, 7)
        plain = read_pixels(source, events, name)
        image = np.zeros((NUM_EVENTS, 8, 7))
        np.add.at(image, (plain.event, *(plain.coords // 3).T), plain.values)
        assert pixels.lengths.tolist() == [(one > 0).sum() for one in image]
        np.testing.assert_array_equal(  # in order, each once
            np.column_stack([pixels.event, pixels.coords]), np.argwhere(image > 0)
        )
        expected = (image[image > 0] - 14.57) / 16.27
        np.testing.assert_allclose(pixels.values, expected, rtol=1e-4, atol=1e-4)


def test_a_halo_is_what_a_dense_image_has_beside_its_active_pixels(pipeline, source):
    made = pipeline(halo=1, fluctuation=0.0)
    events = np.arange(NUM_EVENTS)
    for name, pixels in zip(made.views, made.images(events), strict=True):
        plain = read_pixels(source, events, name)
        image = np.zeros((NUM_EVENTS, *plain.shape))
        active = np.zeros((NUM_EVENTS, *(side + 2 for side in plain.shape)), bool)
        image[(plain.event, *plain.coords.T)] = (plain.values - 14.57) / 16.27
        for row in range(3):
            for column in range(3):
                active[(plain.event, *(plain.coords + np.array((row, column))).T)] = True
        active = active[:, 1:-1, 1:-1]
        np.testing.assert_array_equal(
            np.column_stack([pixels.event, pixels.coords]), np.argwhere(active)
        )
        np.testing.assert_allclose(pixels.values, image[active], rtol=1e-4, atol=1e-4)


def test_a_mask_leaves_out_pixels_and_may_leave_an_event_without_any(pipeline, source):
    images = pipeline(low=250.0, high=255.0, fluctuation=0.0).images(np.arange(NUM_EVENTS))
    for name, pixels in zip(("XZ", "YZ"), images, strict=True):
        values = [event_of(number).views[name].values for number in range(NUM_EVENTS)]
        assert pixels.lengths.tolist() == [int((v >= 250).sum()) for v in values]


def test_classes_are_numbered_as_chosen(pipeline):
    made = pipeline(classes=("nc", "numu"))
    truth = np.array([event_of(number).label for number in range(NUM_EVENTS)])
    assert made.classes == ("nc", "numu")
    assert made.labels.tolist() == [{2: 0, 0: 1}.get(label, -1) for label in truth]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"views": ()}, r"data\.views is \(\): whole events need their views, choose among XZ, YZ"),
        ({"views": ("XZ", "W")}, r"data\.views has 'W' but events\.h5 has XZ, YZ"),
        ({"classes": ("numu", "nutau")}, r"data\.classes has 'nutau' but the events of"),
        ({"classes": ("nc", "nc")}, r"no name may come twice"),
        ({"std": -1.0}, r"data\.std is -1\.0: it must be positive"),
        ({"fluctuation": -0.1}, r"data\.fluctuation is -0\.1: it must lie in \[0, 1\)"),
        ({"coarsen": 0}, r"data\.coarsen is 0: it must be a whole number from 1 to"),
        ({"coarsen": 25}, r"data\.coarsen is 25: it must lie in \[1, 24\], the images'"),
        ({"coarsen": 10**40}, r"data\.coarsen is 1000"),
        ({"halo": -1}, r"data\.halo is -1: it must be a whole number from 0 to"),
        ({"shift": 24}, r"data\.shift is 24: it must lie in \[0, 24\), the images' longest side"),
        ({"shift": -1}, r"data\.shift is -1: it must be a whole number from 0 to"),
        ({"drop": 1.0}, r"data\.drop is 1\.0: it must lie in \[0, 1\)"),
        ({"crop": (8, 8)}, r"data\.crop is \(8, 8\): it must be \(\)"),
        ({"max_sites": 5}, r"data\.max_sites is 5"),
        ({"low": 9.0, "high": 2.0}, r"data\.low is 9\.0"),
    ],
)
def test_options_out_of_range_are_refused_at_once(pipeline, options, match):
    with pytest.raises(InputError, match=match) as error:
        pipeline(**options)
    assert "\n" not in str(error.value)
