"""What a network calls real data: shares and charges, on the side that sees the drift volume."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import jaxsparse
from jaxsparse.data.readers.wire_cell import WireCellSource
from jaxsparse.data.schema import Event, View
from jaxsparse.detectors.microboone import DELTA, MIP
from jaxsparse.errors import InputError
from jaxsparse.recipes import protodune_w
from jaxsparse.training.config import default_config
from studies.protodune import detector_data

DATA = Path(__file__).parents[2] / ".." / "shared" / "data" / "protodune_hd"


def view(wires, electrons):
    coords = np.column_stack([np.arange(len(wires)), wires]).astype(np.int32)
    return View(coords=coords, values=np.array(electrons, np.float32), shape=(1000, 960))


def test_wires_of_the_far_side_are_left_out():
    event = Event(event_id=0, views={"W": view([0, 479, 480, 959], [1.0, 2.0, 3.0, 4.0])})
    assert detector_data.in_front(event).values.tolist() == [1.0, 2.0]


def test_shares_are_of_the_pixels_in_the_mask_and_charges_are_what_the_network_read():
    given = [view([1, 2, 3], [1e4, 3e4, 5e4]), view([1, 2], [7e4, 9e4])]
    classes = [np.array([MIP, MIP, -1], np.int8), np.array([MIP, DELTA], np.int8)]
    found = detector_data.figures(given, classes, scale=0.5)
    assert found["pixels"] == 4
    assert found["shares"]["MIP"] == 0.75
    assert found["shares"]["delta"] == 0.25
    assert list(found["MIP_electrons"].values()) == [1e4, 1.5e4, 2.5e4]
    assert detector_data.table({"0.5": found})[-1].endswith("| 10.0, 15.0, 25.0 |")


def test_no_pixel_in_the_mask_is_no_number():
    found = detector_data.figures([view([1], [1e3])], [np.array([-1], np.int8)], scale=1.0)
    assert found["pixels"] == 0
    assert all(np.isnan(value) for value in found["MIP_electrons"].values())


def test_a_network_of_another_plane_is_refused():
    of_u: Any = SimpleNamespace(views=("U",))
    with pytest.raises(InputError, match="model sees U"):
        detector_data.electrons_a_unit(of_u)


def test_the_recipe_reads_electrons_as_the_shipped_network_reads_its_counts():
    recipe, own = jaxsparse.load("sparsessnet_y").config, default_config()
    config = protodune_w.get_config()
    assert config.data.std / 530 == own.data.std == recipe.data.std
    assert config.data.low / 530 == own.data.low
    assert config.model.filters == recipe.model.filters  # or its weights would not fit


@pytest.mark.skipif(not DATA.exists(), reason=f"no {DATA}")
def test_the_shipped_network_calls_most_of_the_cosmic_tracks_mip(tmp_path):
    model = jaxsparse.load("sparsessnet_y")
    views = [detector_data.in_front(WireCellSource([str(DATA)])[0])]
    found = detector_data.under_scales(model, views, {"1": 1.0})
    assert 0.7 < found["1"]["shares"]["MIP"] < 0.95
    detector_data.draw(model, views[0], tmp_path, 0)
    assert (tmp_path / "readout_0_zoom.png").stat().st_size > 10_000
