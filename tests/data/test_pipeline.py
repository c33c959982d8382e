"""What masks, cuts, augments, weighs and numbers events before they are batched."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from jaxsparse.data import transforms
from jaxsparse.data.pipeline import Pipeline
from jaxsparse.data.pixels import Pixels
from jaxsparse.data.weights import pixel_weights
from jaxsparse.errors import InputError
from tests.data.whole_events import LEVELS, NUM_EVENTS, SHAPE, data, event_of, source
from tests.loaders import images_of

__all__ = ["data", "source"]  # fixtures

EVENTS = np.array([0, 3, 1, 0])


@pytest.fixture
def pipeline(source, data):
    def make(**options):
        data.update(options)
        return Pipeline(source, data, levels=LEVELS, seed=5, augment=True)

    return make


def factors(pipeline, source, events=EVENTS, epochs=0):
    """The factor that every event's values were multiplied by, [views, events]."""
    found = []
    images = images_of(pipeline, events, epochs)
    for name, pixels in zip(pipeline.views, images, strict=True):
        ratio = (pixels.values * 16.27 + 14.57) / source.read_pixels(events, name, ()).values
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
    plain = Pipeline(source, data, levels=LEVELS, augment=False)
    np.testing.assert_allclose(factors(plain, source), 1, rtol=1e-5)


def test_flips_mirror_the_common_axis_together_and_the_others_alone(pipeline, source):
    made = pipeline(flip_time=True, flip_wire=True, fluctuation=0.0)
    seen = set()
    for epoch in range(40):
        flipped = []
        for name, pixels in zip(made.views, images_of(made, np.array([1]), epoch), strict=True):
            plain = source.read_pixels([1], name, ())
            for first, second in itertools.product((False, True), repeat=2):
                image = transforms.flip(plain, np.array([[first, second]]))
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
        for name, pixels in zip(made.views, images_of(made, events, epoch), strict=True):
            plain = source.read_pixels(events, name, ())
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
    first, second = (images_of(made, events, epoch)[0] for epoch in (0, 1))
    np.testing.assert_array_equal(images_of(made, events, 0)[0].coords, first.coords)
    plain = source.read_pixels(events, "XZ", ())
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
    for name, pixels in zip(made.views, images_of(made, events), strict=True):
        assert pixels.shape == (8, 7)
        plain = source.read_pixels(events, name, ())
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
    for name, pixels in zip(made.views, images_of(made, events), strict=True):
        plain = source.read_pixels(events, name, ())
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
    images = images_of(pipeline(low=250.0, high=255.0, fluctuation=0.0), np.arange(NUM_EVENTS))
    for name, pixels in zip(("XZ", "YZ"), images, strict=True):
        values = [event_of(number).views[name].values for number in range(NUM_EVENTS)]
        assert pixels.lengths.tolist() == [int((v >= 250).sum()) for v in values]


def test_classes_are_numbered_as_chosen(pipeline):
    made = pipeline(classes=("nc", "numu"))
    truth = np.array([event_of(number).label for number in range(NUM_EVENTS)])
    assert made.classes == ("nc", "numu")
    assert made.labels.tolist() == [{2: 0, 0: 1}.get(label, -1) for label in truth]


@pytest.fixture
def planes(events, data_config):
    """Pipelines of the planes U (40 x 60) and Y (40 x 80), with targets."""

    def make(seed=7, augment=True, **options):
        data_config.update({"views": ("U", "Y"), **options})
        return Pipeline(
            events, data_config, levels=LEVELS, targets=("labels", "weights"), weigh=pixel_weights,
            seed=seed, augment=augment,
        )  # fmt: skip

    return make


def test_views_of_different_shapes_have_windows_and_targets_of_their_own(planes, make_event):
    made = planes(crop=(24, 70), augment=False)
    assert made.shapes == ((24, 60), (24, 70))
    numbers, times = np.arange(20), []
    for name, image in zip("UY", images_of(made, numbers), strict=True):
        assert image.lengths.sum() > 0
        for number, view in zip(numbers, one_each(image), strict=True):
            whole = make_event(number).views[name]
            # Where the window lies is told by the values, which are all different.
            distance = abs(view.values[:, None] * 50 - whole.values)
            rows = distance.argmin(axis=1) if len(whole) else np.zeros(0, int)
            moved = whole.coords[rows] - view.coords
            assert (moved == moved[:1]).all()
            times += [(number, int(moved[0, 0]))] if len(moved) else []
            np.testing.assert_array_equal(view.columns["labels"], whole.labels[rows])
            cut = Pixels.of([whole.take(np.sort(rows))], whole.shape)
            np.testing.assert_allclose(view.columns["weights"], pixel_weights(cut), rtol=1e-6)
    assert len(set(times)) == len({number for number, _ in times}) < len(times)  # they share it
    assert len({time for _, time in times}) > 5


def test_corners_say_where_the_windows_lie_in_the_file(planes, events):
    made = planes(crop=(24, 70), augment=False)
    numbers = np.array([3, 0, 7])
    found = made.corners(numbers)
    for view, image, corners in zip(made.views, made.pixels(numbers), found, strict=True):
        whole = events.read_pixels(numbers, view)
        for corner, part, of in zip(corners, image.views(), whole.views(), strict=True):
            stored = dict(zip(map(tuple, of.coords.tolist()), of.values.tolist(), strict=True))
            own = [stored[tuple(place)] for place in (part.coords + corner).tolist()]
            assert own == part.values.tolist()
    assert not np.any(planes(crop=(), augment=False).corners(numbers))


def test_a_share_of_the_training_windows_lies_anywhere_in_all_views_of_an_event(planes):
    numbers, epochs = np.tile(np.arange(20), 50), np.repeat(np.arange(50), 20)

    def corners(**options):
        options = {"crop": (16, 16), "crop_keep": "interaction", "crop_anywhere": 0.0, **options}
        return np.concatenate(planes(**options).corners(numbers, epochs), axis=1)

    about, anywhere = corners(), corners(crop_keep="random")
    mixed = corners(crop_anywhere=0.2)
    told = (about != anywhere).any(axis=1)  # the others may be of either kind
    is_about, is_anywhere = (mixed == about).all(axis=1), (mixed == anywhere).all(axis=1)
    assert (is_about | is_anywhere).all()
    assert is_anywhere[told].mean() == pytest.approx(0.2, abs=0.04)
    np.testing.assert_array_equal(corners(crop_anywhere=0.2), mixed)
    np.testing.assert_array_equal(corners(crop_anywhere=0.2, augment=False), about)


def one_each(image: Pixels) -> list[Pixels]:
    return [image.events(np.array([place])) for place in range(len(image.lengths))]


def test_epochs_differ_in_crops_and_flips_and_repeat(planes):
    made = planes(crop_keep="random")
    first, second, again = (images_of(made, np.array([2]), epoch)[1] for epoch in (0, 1, 0))
    assert first.coords.tolist() != second.coords.tolist()
    assert first.coords.tolist() == again.coords.tolist()
    other = images_of(planes(crop_keep="random", seed=8), np.array([2]))[1]
    assert first.coords.tolist() != other.coords.tolist()


def test_an_event_is_the_same_whoever_else_is_asked_for(planes, monkeypatch):
    made, numbers = planes(), np.arange(20)
    together = images_of(made, numbers, 3)
    monkeypatch.setattr("jaxsparse.data.pipeline.BLOCK", 300)  # pixels: a few events at a time
    for place, blocks in enumerate(images_of(made, numbers, 3)):
        image = together[place]
        for number, view in zip(numbers, one_each(image), strict=True):
            (alone,) = one_each(images_of(made, np.array([number]), 3)[place])
            np.testing.assert_array_equal(alone.coords, view.coords)
            np.testing.assert_array_equal(alone.columns["weights"], view.columns["weights"])
        np.testing.assert_array_equal(blocks.coords, image.coords)
        np.testing.assert_array_equal(blocks.lengths, image.lengths)


def test_only_the_columns_that_targets_and_windows_need_are_read(planes, events, data_config):
    assert planes(crop=()).columns["Y"] == ("labels", "instance", "vertex_distance")
    assert planes(crop=(8, 8)).columns["Y"] == (
        "labels", "instance", "vertex_distance", "interaction"
    )  # fmt: skip
    data_config.update({"views": ("Y",), "crop": ()})
    assert Pipeline(events, data_config, levels=LEVELS, augment=False).columns == {"Y": ()}


def test_voxels_flip_along_all_three_axes_beside_a_plane(make_view, data_config):
    views = {
        "voxels": make_view(np.random.default_rng(0), 50, (16, 16, 16)),
        "Y": make_view(np.random.default_rng(1), 30, (16, 9)),
    }

    class Both:
        def __init__(self):
            self.view_shapes = {name: view.shape for name, view in views.items()}

        event_classes: tuple[str, ...] = ()
        event_labels = np.zeros(1, np.int32)

        def __len__(self):
            return 1

        def num_pixels(self, name):
            return np.array([len(views[name])])

        def truth_columns(self, name):
            return ("labels",)

        def further_values(self, name):
            return ()

        def linked_views(self, name):
            return ()

        def read_links(self, indices, name, to):
            raise AssertionError(f"no view has links, {name} was asked for some")

        def read_pixels(self, indices, name, columns=None):
            return Pixels.of([views[name]] * len(indices))

    data_config.update({"views": ("voxels", "Y"), "crop": (), "low": 0.0, "high": 1e9})
    made = Pipeline(Both(), data_config, levels=LEVELS, augment=True)
    images = [images_of(made, np.array([0]), epoch) for epoch in range(80)]
    assert len({voxels.coords.tobytes() for voxels, _ in images}) == 8
    assert len({plane.coords.tobytes() for _, plane in images}) == 4


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"views": ()}, r"data\.views is \(\): choose among XZ, YZ of events\.h5"),
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
        ({"crop": (8,)}, r"data\.crop is \(8,\): it needs one positive side for each axis"),
        ({"low": 9.0, "high": 2.0}, r"data\.low is 9\.0"),
    ],
)
def test_options_out_of_range_are_refused_at_once(pipeline, options, match):
    with pytest.raises(InputError, match=match) as error:
        pipeline(**options)
    assert "\n" not in str(error.value)


def test_whether_to_augment_has_to_be_said(source, data):
    with pytest.raises(TypeError, match="augment"):
        Pipeline(source, data, levels=LEVELS)  # type: ignore[call-arg]
