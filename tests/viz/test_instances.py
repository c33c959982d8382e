"""Pictures of instances: one colour a particle, wrong pixels, panels for every view."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from jaxsparse.data.schema import View
from jaxsparse.detectors import find, palette
from jaxsparse.viz.instance_colours import coloured, colours_of
from jaxsparse.viz.instances import PANELS, instances_figure, instances_in_line
from jaxsparse.viz.lined_up import line_up
from jaxsparse.viz.picture import Picture


def test_a_particle_has_one_colour_in_all_views_and_in_what_was_predicted_of_it():
    true = [np.array([4, 4, 4, 9, 9, -1]), np.array([9, 4, 4, 4])]
    predicted = [np.array([0, 0, 1, 1, 1, 1]), np.array([2, 3, 3, 2])]
    first, second = coloured(true, predicted)
    assert first.true.tolist() == [0, 0, 0, 1, 1, -1]  # 4 is the larger one
    assert second.true.tolist() == [1, 0, 0, 0]
    assert first.predicted.tolist() == [0, 0, 1, 1, 1, 1]
    assert first.wrong.tolist() == [False, False, True, False, False, False]
    assert second.predicted.tolist() == [0, 0, 0, 0]  # of equals the first particle
    assert second.wrong.tolist() == [True, False, False, True]  # 4 is found in 3


def test_pixels_of_nobody_are_grey_and_never_wrong():
    nobody = np.full(3, -1)
    (view,) = coloured([np.array([-1, 2, 2])], [nobody])
    assert view.predicted.tolist() == [-1, -1, -1]
    assert view.wrong.tolist() == [False, True, True]
    assert colours_of(nobody, (0.1, 0.2, 0.3, 1)).tolist() == [[0.1, 0.2, 0.3, 1]] * 3
    assert len(coloured([nobody[:0]], [nobody[:0]])[0].true) == 0


def test_forty_particles_have_forty_colours():
    assert len({tuple(colour) for colour in colours_of(np.arange(40), (0, 0, 0, 0))}) == 40


def lab(colours):
    """CIELAB of sRGB colours, white D65 (IEC 61966-2-1, ISO/CIE 11664-4)."""
    rgb = np.array([to_rgb(colour) for colour in colours])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = linear @ np.array([
        [0.4124564, 0.2126729, 0.0193339], [0.3575761, 0.7151522, 0.1191920],
        [0.1804375, 0.0721750, 0.9503041],
    ])  # fmt: skip
    x, y, z = (np.cbrt(np.maximum(xyz / (0.95047, 1, 1.08883), 1e-9))).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def test_no_colour_of_a_particle_is_taken_for_that_of_a_class():
    particles = lab(colours_of(np.arange(11), (0, 0, 0, 0))[:, :3])
    classes = lab([*palette(11), *find("microboone").pixel_classes.colours])
    apart = np.linalg.norm(particles[:, None] - classes, axis=2)
    assert apart.min() > 30  # below 10 two colours are alike at a glance
    among = np.linalg.norm(particles[:, None] - particles, axis=2)
    assert among[~np.eye(11, dtype=bool)].min() > 30


def test_a_ring_in_the_colour_of_the_parent_is_around_its_child():
    track, delta = [(5, column) for column in range(10)], [(8, 3), (8, 4), (8, 5)]
    view = View(np.array(track + delta), np.ones(13, np.float32), (20, 20))
    numbers = np.repeat([0, 1], [10, 3])
    picture = Picture(
        view, corner=(100, 200), pixel=2, instance=numbers, parent=np.where(numbers, 0, -1)
    )
    (own,) = coloured([numbers], [numbers])
    figure = instances_figure({"Y": picture.flat()}, [own], [None])
    (panel,) = (ax for ax in figure.axes if ax.collections and ax.get_title(loc="left"))
    assert panel.get_title(loc="left") == "predicted, colours as in the truth, rings: parents"
    (rings,) = panel.collections
    # The middle of the delta, in the detector's pixels: two of them are one of the picture.
    middle = [200 + 2 * 4 + 0.5, 100 + 2 * 8 + 0.5]
    np.testing.assert_array_equal(np.asarray(rings.get_offsets()), [middle])
    np.testing.assert_array_equal(rings.get_edgecolor(), colours_of(np.array([0]), (0, 0, 0, 0)))
    assert panel.get_images()


def test_every_view_has_every_panel():
    coords = np.array([[3, 4], [3, 5], [9, 9]])
    picture = Picture(View(coords, np.ones(3, np.float32), (20, 20)), title="event 3").flat()
    numbers = np.array([0, 0, 1])
    for views in (("Y",), ("X", "Y")):
        colours = coloured([numbers] * len(views), [numbers] * len(views))
        pictures = dict.fromkeys(views, picture)
        figure = instances_figure(pictures, colours, [None] * len(views))
        titles = [ax.get_title(loc="left") for ax in figure.axes]
        assert len([title for title in titles if title]) == len(views) * len(PANELS)
        assert sum("0 of 3 pixels of another particle" in title for title in titles) == len(views)


@pytest.mark.parametrize("across", [0, 1])
def test_views_with_an_axis_in_common_lie_in_line_along_it(across):
    """Above each other where it goes from left to right, else side by side, with one range."""
    views = {"XZ": [[3, 4], [30, 5]], "YZ": [[9, 9], [12, 2], [50, 7]]}
    pictures = {
        name: Picture(
            View(np.array(coords), np.ones(len(coords), np.float32), (100, 80)),
            axes=("plane", "cell"), across=across,
        )
        for name, coords in views.items()
    }  # fmt: skip
    colours = coloured(*[[np.zeros(len(coords), int) for coords in views.values()]] * 2)
    lined = line_up(pictures, {"XZ": 0, "YZ": 0})
    figure = instances_in_line(lined, colours, "event 3")
    panels = {ax.get_title(loc="left"): ax for ax in figure.axes if ax.get_title(loc="left")}
    assert len(panels) == 2 * len(PANELS)
    one, other = panels["XZ, true particles"], panels["YZ, true particles"]
    first, second = one.get_position(), other.get_position()
    if across == 0:  # the planes go from left to right
        assert one.get_xlim() == other.get_xlim()
        assert (first.x0, first.width) == pytest.approx((second.x0, second.width))
    else:
        assert one.get_ylim() == other.get_ylim()
        assert (first.y0, first.height) == pytest.approx((second.y0, second.height))
