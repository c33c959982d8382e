"""Pictures of three axes: truth beside prediction, without ghosts."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from mpl_toolkits.mplot3d.proj3d import proj_transform

from jaxsparse.data.schema import View
from jaxsparse.detectors import class_set
from jaxsparse.detectors.class_set import GHOST_COLOUR
from jaxsparse.viz.instance_colours import coloured
from jaxsparse.viz.picture import Picture
from jaxsparse.viz.space import classes_in_space, instances_in_space

CLASSES = ("track", "shower", "ghost")
GHOST = 2
COORDS = np.array([[0, 0, 0], [1, 0, 5], [2, 3, 20], [3, 1, 9], [4, 4, 4]], np.int32)
TRUTH = np.array([0, 1, GHOST, 0, GHOST], np.int8)
SAID = np.array([0, GHOST, 1, 0, GHOST])


def picture(**changes):
    view = View(COORDS, np.ones(5, np.float32), (9, 9, 40), labels=TRUTH)
    colours = class_set(CLASSES).colours
    options = {"classes": CLASSES, "axes": ("time", "y", "z"), "colours": colours, **changes}
    return Picture(view, np.eye(3)[SAID], **options)


def points(ax):
    """Places of the points in space, in the order of their axes, with their colours."""
    (drawn,) = ax.collections
    places = np.column_stack([np.ma.getdata(part) for part in drawn._offsets3d])
    # Colours are in the order in which points are drawn, from the back to the front.
    order = np.argsort(proj_transform(*places.T, ax.get_proj())[2])[::-1]
    colours = drawn.get_facecolor().tolist()
    return dict(zip(map(tuple, places[order].tolist()), map(tuple, colours), strict=True))


def panels(figure):
    """Of truth and of prediction: the points in space, and both sides."""
    FigureCanvasAgg(figure).draw()
    axes = figure.axes
    assert len(axes) == 6
    return axes[:3], axes[3:]


def test_ghosts_and_what_is_called_a_ghost_are_left_out():
    figure = classes_in_space(picture())
    track, shower, _ = (to_rgba(colour) for colour in class_set(CLASSES).colours)
    for (space, *sides), labels in zip(panels(figure), (TRUTH, SAID), strict=True):
        real = labels != GHOST
        shades = [(track, shower)[label] for label in labels[real]]
        expected = dict(zip(map(tuple, COORDS[real][:, [2, 0, 1]].tolist()), shades, strict=True))
        found = points(space)
        assert found.keys() == expected.keys()
        for place, colour in expected.items():
            np.testing.assert_allclose(found[place], colour)
        assert (space.get_xlabel(), space.get_ylabel(), space.get_zlabel()) == ("z", "time", "y")
        for side, axis in zip(sides, (0, 1), strict=True):
            (image,) = side.images
            left, right, low, high = image.get_extent()
            assert left < 0 < 19.5 <= right  # what either shows is in both
            painted = np.argwhere(image.get_array()[..., 3] > 0)
            rows = low + (painted[:, 0] + 0.5) * (high - low) / image.get_array().shape[0]
            assert set(np.round(rows).astype(int)) == set(COORDS[real][:, axis].tolist())
    words = [text.get_text() for text in figure.texts]
    assert "truth: 3 of 5 candidates are real" in words
    assert "prediction: 3 of 5 called real, 1 of them ghosts" in words
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["track", "shower"]


def test_without_ghosts_everything_is_shown():
    names = ("track", "shower", "other")
    figure = classes_in_space(picture(classes=names, colours=class_set(names).colours))
    for space, *_ in panels(figure):
        assert len(points(space)) == 5
    assert [text.get_text() for text in figure.texts[:2]] == ["truth", "prediction"]


def test_axes_count_in_the_detectors_own_pixels():
    figure = classes_in_space(picture(corner=(100, 0, 2000), pixel=2))
    (space, side, _), _ = panels(figure)
    assert min(place[0] for place in points(space)) == 2000
    left, _, low, _ = side.images[0].get_extent()
    assert left < 2000 < left + 6
    assert low < 100 < low + 6


def test_true_particles_stand_beside_predicted_ones_in_their_colours():
    true, predicted = np.array([4, 4, -1, 7, -1]), np.array([1, 1, 1, -1, 3])
    (colours,) = coloured([true], [predicted])
    (first, *_), (second, *_) = panels(instances_in_space(picture(), colours, predicted))
    own, said = points(first), points(second)
    assert own.keys() == {(0, 0, 0), (5, 1, 0), (9, 3, 1)}
    assert said.keys() == {(0, 0, 0), (5, 1, 0), (20, 2, 3), (4, 4, 4)}
    assert said[0, 0, 0] == said[20, 2, 3] == own[0, 0, 0]
    assert said[4, 4, 4] not in own.values()  # of nothing true: a colour of its own


@pytest.mark.parametrize("number", [0, 1])
def test_an_event_with_few_pixels_is_drawn(number):
    view = View(COORDS[:number], np.ones(number, np.float32), (9, 9, 40), labels=TRUTH[:number])
    figure = classes_in_space(Picture(view, np.eye(3)[SAID[:number]], classes=CLASSES))
    FigureCanvasAgg(figure).draw()
    assert len(figure.axes) == 6


def test_ghosts_are_pale_and_other_classes_keep_their_colours():
    known = ("HIP", "MIP", "shower", "delta", "Michel")
    with_ghosts = class_set((*known, "ghost"))
    assert with_ghosts.colours == (*class_set(known).colours, GHOST_COLOUR)
    assert with_ghosts.tracks == ()
