"""The quick picture of a file: which axes are drawn, every view with its own scale and unit."""

import numpy as np
from matplotlib.figure import Figure

from jaxsparse.data.description import describe
from jaxsparse.data.picture import draw_events
from jaxsparse.data.schema import Event, View
from tests.viz.page.events import write


def test_a_file_of_voxels_is_drawn(tmp_path):
    path = write(tmp_path / "a.h5")
    found = describe(str(path), picture=str(tmp_path / "a.png"))
    assert found["picture"] == str(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_voxels_are_seen_along_the_axis_in_which_they_reach_least_far(tmp_path, monkeypatch):
    figures = []
    save = Figure.savefig

    def kept(figure, *arguments, **options):
        figures.append(figure)
        save(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", kept)
    cube = View(np.array([[0, 7, 3], [50, 7, 90]]), np.array([1.0, 2.0], np.float32), (60, 8, 100))
    plane = View(np.array([[1, 2]]), np.array([300.0], np.float32), (4, 5))
    axes = {"cube": ("x", "y", "z"), "top": ("row", "wire")}
    event = Event(0, {"cube": cube, "top": plane})
    draw_events(
        tmp_path / "a.png", [event], axes=axes, titles=["one"], units={"cube": "MeV", "top": ""}
    )
    panels = {ax.get_title(loc="left"): ax for ax in figures[0].axes if ax.get_title(loc="left")}
    cube_panel, plane_panel = panels["cube: one"], panels["top"]
    assert (cube_panel.get_xlabel(), cube_panel.get_ylabel()) == ("z (seen along y)", "x")
    assert cube_panel.get_xlim() == (-0.5, 99.5)
    assert (plane_panel.get_xlabel(), plane_panel.get_ylabel()) == ("wire", "row")
    bars = [ax.get_ylabel() for ax in figures[0].axes if ax.get_ylabel().startswith("value")]
    assert bars == ["value [MeV]", "value"]
    figures[0].canvas.draw()
    for bar in (ax for ax in figures[0].axes if ax.get_ylabel().startswith("value")):
        labels = [label.get_text() for label in bar.get_yticklabels(which="both")]
        assert 1 <= len(labels) == len(set(labels)) <= 4  # one value of all pixels has one
        assert all(float(label) for label in labels)  # plain numbers
    scales = [panel.collections[0].norm.vmax for panel in (cube_panel, plane_panel)]
    assert scales[0] < 3 < scales[1]
