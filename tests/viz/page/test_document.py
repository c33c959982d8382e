"""The page as a text: whole without a network, nothing of a file in it as markup."""

import base64
import html.parser
import json
import re

import numpy as np
import pytest
from matplotlib.colors import to_hex

from jaxsparse.commands.event_page import page_of
from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.schema import Event, View
from jaxsparse.detectors import ClassSet, Detector, DetectorView
from jaxsparse.viz.instance_colours import colours_of
from jaxsparse.viz.panels import CHARGE
from tests.viz.page.events import NASTY, SHAPES, write

TYPES = {"uint8": "u1", "int8": "i1", "uint16": "<u2", "int16": "<i2", "float32": "<f4"}


class Elements(html.parser.HTMLParser):
    """What a browser would make of a page: its elements with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return EventFile(write(tmp_path_factory.mktemp("page") / "nasty.h5"))


@pytest.fixture(scope="module")
def page(source):
    return page_of(source, [0, 1, 2], NASTY)


def read(page):
    """The description of a page, and the bytes of its events."""
    blocks = dict(
        re.findall(r'<script type="application/[\w-]+" id="([\w-]+)">(.*?)</script>', page)
    )
    return json.loads(blocks.pop("description")), [
        base64.b64decode(blocks[f"event-{number}"]) for number in range(len(blocks))
    ]


def column(described, stored):
    kind = np.dtype(TYPES[described["type"]])
    return np.frombuffer(stored, kind, described["length"], described["offset"])


def test_a_page_hides_ghosts_at_first_and_knows_when_there_are_none(source, tmp_path):
    described, _ = read(page_of(source, [0], "page"))
    assert described["ghost"] == -1
    view = View(np.array([[1, 2, 3]], np.int32), np.ones(1, np.float32), (4, 4, 4))
    with EventWriter(
        tmp_path / "a.h5", detector="toy", views={"candidates": view.shape},
        class_names=("muon", "ghost"),
    ) as writer:  # fmt: skip
        writer.append(Event(0, {"candidates": view}))
    described, _ = read(page_of(EventFile(tmp_path / "a.h5"), [0], "page"))
    assert described["ghost"] == 1


def test_every_pixel_and_particle_of_every_event_is_on_the_page(source, page):
    described, stored = read(page)
    for event, one, data in zip(source, described["events"], stored, strict=True):
        for name, view in event.views.items():
            columns = one["views"][name]["columns"]
            assert one["views"][name]["pixels"] == len(view)
            found = [column(columns[f"axis{axis}"], data) for axis in range(len(SHAPES[name]))]
            np.testing.assert_array_equal(np.stack(found, axis=1), view.coords)
            for key in ("values", "labels", "instance", "vertex_distance", "interaction"):
                np.testing.assert_array_equal(column(columns[key], data), getattr(view, key))
        energy = column(one["particles"]["kinetic_energy"], data)
        np.testing.assert_array_equal(energy, event.particles["kinetic_energy"])
    assert described["particles"] == {"13": "mu-", "-11": "e+"}


def test_axes_units_and_colours_are_those_of_the_detector_and_of_the_pictures(page):
    described, _ = read(page)
    assert described["views"]["top"] == {
        "shape": [20, 24], "axes": ["depth", "pad"], "unit": "flashes", "across": 0,
        "along": -1,
    }  # fmt: skip
    assert [entry["colour"] for entry in described["classes"]] == ["#e000e0", "#008080", "#00a0a0"]
    low, high = (tuple(round(255 * part) for part in CHARGE(end)[:3]) for end in (0.0, 1.0))
    assert described["scales"]["charge"][0] == "#{:02x}{:02x}{:02x}".format(*low)
    assert described["scales"]["charge"][-1] == "#{:02x}{:02x}{:02x}".format(*high)


@pytest.mark.parametrize(
    ("across", "lying"),
    [(0, {"XZ": (0, 0), "YZ": (1, 0), "cube": (1, -1)}), (1, {"XZ": (1, 1), "YZ": (0, 1)})],
)
def test_a_shared_axis_lies_in_all_views_as_in_the_first_that_has_it(tmp_path, across, lying):
    axes = {"XZ": ("plane", "cell"), "YZ": ("bar", "plane"), "cube": ("x", "y", "z")}
    shapes = {"XZ": (30, 20), "YZ": (20, 30), "cube": (5, 5, 5)}
    sides = {"XZ": across, "YZ": 0, "cube": 1}
    views = {name: DetectorView(axes[name], "MeV", across=side) for name, side in sides.items()}
    detector = Detector("crossed bars", views, ClassSet(("a",)))
    with EventWriter(
        tmp_path / "a.h5", detector=detector.name, described=detector, views=shapes,
        class_names=("a",),
    ) as writer:  # fmt: skip
        none = {
            name: View(np.zeros((0, len(shape)), np.int32), np.zeros(0, np.float32), shape)
            for name, shape in shapes.items()
        }
        writer.append(Event(0, none))
    described, _ = read(page_of(EventFile(tmp_path / "a.h5"), [0], "page"))
    found = {name: (view["across"], view["along"]) for name, view in described["views"].items()}
    assert found | lying == found


def test_particles_have_the_colours_of_the_pictures_large_ones_first(source, page):
    described, _ = read(page)
    event = source[2]
    numbers = np.concatenate([view.instance for view in event.views.values()])
    larger = int((numbers == 1).sum() > (numbers == 0).sum())
    shades = [to_hex(shade) for shade in colours_of(np.arange(2), (0, 0, 0, 0))]
    expected = {str(larger): shades[0], str(1 - larger): shades[1]}
    assert described["events"][2]["instanceColours"]["instance"] == expected


def test_names_of_a_file_never_become_markup(page):
    elements = Elements(page).found
    assert not [tag for tag, _ in elements if tag == "img"]
    assert [attributes.get("type") for tag, attributes in elements if tag == "script"] == [
        "application/json", *["application/octet-stream"] * 3, "module",
    ]  # fmt: skip
    described, _ = read(page)
    assert described["title"] == described["classes"][1]["name"] == NASTY


def test_the_page_asks_for_nothing_and_its_policy_allows_nothing(page):
    elements = Elements(page).found
    assert not [one for one in elements if {"src", "href"} & set(one[1])]
    (policy,) = (
        attributes["content"] for tag, attributes in elements if "http-equiv" in attributes
    )
    assert re.fullmatch(
        r"default-src 'none'; img-src data:; style-src 'sha256-[\w+/=]+'; "
        r"script-src 'sha256-[\w+/=]+'",
        policy,
    )


def test_data_without_truth_have_neither_classes_nor_particles(tmp_path):
    source = EventFile(write(tmp_path / "data.h5", truth=False))
    described, _ = read(page_of(source, [0], "data"))
    assert described["classes"] == []
    assert described["particles"] == {}
    columns = described["events"][0]["views"]["cube"]["columns"]
    assert set(columns) == {"axis0", "axis1", "axis2", "values"}
