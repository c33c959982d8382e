"""Pictures of instances: one colour a particle, wrong pixels, panels for every view."""

import numpy as np

from jaxsparse.data.schema import View
from jaxsparse.viz.instance_colours import coloured, colours_of
from jaxsparse.viz.instances import PANELS, instances_figure
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
