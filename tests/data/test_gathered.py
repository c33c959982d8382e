"""Values of other views as features, against one pixel at a time."""

import numpy as np
import pytest

from jaxsparse.data.batch import make_batch
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.gathered import column_of
from jaxsparse.data.pipeline import Pipeline
from jaxsparse.errors import InputError
from jaxsparse.training.config import default_config
from tests.data.linked_events import linked_event, linked_path, write_linked
from tests.loaders import images_of

__all__ = ["linked_event", "linked_path", "write_linked"]  # fixtures

MEAN, STD = 10.0, 50.0


def pipeline_of(path, gathered=("U", "voxels"), **changes):
    data = default_config().data
    data.views, data.gathered, data.crop, data.low, data.high = ("Y",), gathered, (), 0.0, 1e9
    data.mean, data.std = MEAN, STD
    for key, value in changes.items():
        data[key] = value
    return Pipeline(EventFile(path), data, levels=2, augment=bool(changes))


def one_at_a_time(path, number):
    """Value by pixel of Y: its own, and those of U and of the voxels that it is linked to."""
    event = EventFile(path)[number]
    found = {}
    for row, (place, value) in enumerate(
        zip(event.views["Y"].coords, event.views["Y"].values, strict=True)
    ):
        values = [float(value)]
        for to in ("U", "voxels"):
            own = event.views["Y"].links[to].take([row])
            parts = own.shares * event.views[to].values[own.rows]
            values.append(float(parts.sum()) if len(parts) else np.nan)
        found[tuple(place)] = values
    return found


def test_features_are_the_values_of_linked_pixels(linked_path):
    events = np.array([6, 1, 4, 6])  # 4 has no pixel
    pipeline = pipeline_of(linked_path)
    (images,) = images_of(pipeline, events)
    batch = make_batch([images], levels=2)
    assert images.values.shape == (len(images), 3)
    np.testing.assert_array_equal(batch.views[0].features[: len(images)], images.values)
    linked = 0
    for place, number in enumerate(events.tolist()):
        own, expected = images.event == place, one_at_a_time(linked_path, number)
        assert own.sum() == len(expected)
        for coords, values in zip(images.coords[own], images.values[own], strict=True):
            wanted = (np.array(expected[tuple(coords)]) - MEAN) / STD
            np.testing.assert_allclose(values, np.nan_to_num(wanted), rtol=1e-5, atol=1e-6)
            linked += np.isfinite(wanted[1:]).sum()
    assert linked > 20


def test_they_move_with_their_pixel(linked_path):
    events, epochs = np.array([6, 1]), np.array([3, 3])
    changes = {"flip_time": True, "flip_wire": True, "shift": 3, "halo": 1, "fluctuation": 0.2}
    (moved,) = pipeline_of(linked_path, **changes).pixels(events, epochs)
    (bare,) = pipeline_of(linked_path).pixels(events)
    name = column_of("U")
    for place in range(2):
        pairs = [
            np.column_stack([pixels.values, pixels.columns[name]])[pixels.event == place]
            for pixels in (moved, bare)
        ]
        known = [pair[np.isfinite(pair[:, 1])] for pair in pairs]
        ratio = [pair[:, 1] / pair[:, 0] for pair in known]  # one factor for all that a pixel sees
        assert len(ratio[0]) > 3
        assert np.isclose(ratio[0][:, None], ratio[1], rtol=1e-4).any(1).all()
    (coarse,) = pipeline_of(linked_path, coarsen=2).pixels(events)
    assert np.nanmax(coarse.columns[name]) <= np.nanmax(bare.columns[name])


def further_at_a_time(path, number):
    """Time by pixel of Y: its own, and the means of those that it is linked to, by share."""
    event = EventFile(path)[number]
    found = {}
    for row, place in enumerate(event.views["Y"].coords):
        values = [float(event.views["Y"].further["time"][row])]
        for to in ("U", "voxels"):
            own = event.views["Y"].links[to].take([row])
            times = event.views[to].further["time"][own.rows]
            values.append(
                float(own.shares @ times / own.shares.sum()) if own.shares.sum() else np.nan
            )
        found[tuple(place)] = values
    return found


def test_further_values_of_pixels_and_of_linked_ones_are_features_as_they_are(linked_path):
    events = np.array([6, 1, 4])
    more = {"further": ("time",), "gathered_further": ("time",)}
    pipeline = pipeline_of(linked_path, **more)
    pipeline.augment = False
    (images,), (plain,) = images_of(pipeline, events), images_of(pipeline_of(linked_path), events)
    assert images.values.shape == (len(images), 6)
    np.testing.assert_array_equal(images.values[:, :3], plain.values)
    for place, number in enumerate(events.tolist()):
        own, expected = images.event == place, further_at_a_time(linked_path, number)
        for coords, values in zip(images.coords[own], images.values[own, 3:], strict=True):
            wanted = np.nan_to_num(expected[tuple(coords)])
            np.testing.assert_allclose(values, wanted, rtol=1e-5, atol=1e-5)


def test_further_values_move_with_their_pixel_and_do_not_fluctuate(linked_path):
    events, epochs = np.array([6, 1]), np.array([3, 3])
    more = {"further": ("time",), "gathered_further": ("time",)}
    changes = {"flip_time": True, "flip_wire": True, "shift": 3, "halo": 1, "fluctuation": 0.2}
    (moved,) = pipeline_of(linked_path, **more, **changes).pixels(events, epochs)
    (bare,) = pipeline_of(linked_path, **more, flip_time=False, flip_wire=False).pixels(events)
    names = ("further time", column_of("U", "time"), column_of("voxels", "time"))
    for place in range(2):
        rows = [
            np.column_stack([pixels.columns[name] for name in names])[pixels.event == place]
            for pixels in (moved, bare)
        ]
        known = {tuple(row) for row in np.nan_to_num(rows[0][np.isfinite(rows[0][:, 0])]).tolist()}
        assert known <= {tuple(row) for row in np.nan_to_num(rows[1]).tolist()}
        assert len(known) > 3
    (coarse,) = pipeline_of(linked_path, coarsen=2, **more).pixels(events)
    assert np.nanmax(coarse.columns[names[1]]) <= np.nanmax(bare.columns[names[1]])
    (seen,) = images_of(pipeline_of(linked_path, **more, halo=1), events)
    assert np.isfinite(seen.values).all()


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (
            {"further": ("width",)},
            r"data.further has 'width' but the pixels of view Y of .* have time",
        ),
        ({"gathered_further": ("a",)}, r"data.gathered_further has 'a' but .* view U .* have time"),
    ],
)
def test_a_further_value_that_the_file_lacks_is_one_line(linked_path, more, line):
    with pytest.raises(InputError, match=line):
        pipeline_of(linked_path, **more)


def test_a_view_that_is_not_linked_is_one_line(linked_path):
    with pytest.raises(InputError, match=r"data.gathered has 'V' but view Y of .* to U, voxels"):
        pipeline_of(linked_path, ("V",))
