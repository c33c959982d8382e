"""Candidates of whole events: what is true of them, how much they find, and the file of them."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from jaxsparse.candidates.cells import cell_candidates
from jaxsparse.candidates.finders import CellFinder, Recall, WireFinder, finder_of
from jaxsparse.candidates.truth import hit_truth
from jaxsparse.data.event_file import EventFile, EventWriter
from jaxsparse.data.schema import Event, View
from jaxsparse.detectors.detector import CANDIDATES
from jaxsparse.detectors.microboone import PLANES, ROW_VOXELS
from jaxsparse.errors import InputError
from jaxsparse.simulate.microboone.chamber import MICROBOONE_CHAMBER
from jaxsparse.simulate.nova.detector import NOVA_FAR
from jaxsparse.simulate.transport.generator import GeneratorConfig
from jaxsparse.simulate.wire_chamber.source import SimulatedEvents
from tests.candidates.small_chamber import CHAMBER, plane_view

GHOST = 5


@pytest.fixture(scope="module")
def simulated():
    """A source of events in an empty detector, and one of its events."""
    source = SimulatedEvents(
        GeneratorConfig("1mu1p", cosmic_rate=0.0),
        MICROBOONE_CHAMBER,
        seed=4,
        views=(*PLANES, ROW_VOXELS),
    )
    return source, source[0]


def test_real_candidates_are_true_voxels_with_their_truth(simulated):
    source, event = simulated
    found = finder_of("microboone", source.dead_wires)(event, ghost=GHOST, low=10.0)
    assert list(found.event.views) == [*PLANES, CANDIDATES]
    view, voxels = found.event.views[CANDIDATES], event.views[ROW_VOXELS]
    rows = {tuple(place): row for row, place in enumerate(voxels.coords.tolist())}
    of_voxel = np.array([rows.get(tuple(place), -1) for place in view.coords.tolist()])
    real = of_voxel >= 0
    np.testing.assert_array_equal(view.labels == GHOST, ~real)
    for name in ("labels", "instance", "share", "interaction", "vertex_distance"):
        expected = getattr(voxels, name)[of_voxel[real]]
        np.testing.assert_array_equal(getattr(view, name)[real], expected)
    assert set(np.asarray(view.instance)[~real]) == {-1}
    assert found.seen == Recall(len(view), real.sum(), real.sum(), len(voxels))
    by_all = np.all([view.links[name].totals > 0 for name in PLANES], axis=0)
    expected = Recall(by_all.sum(), (real & by_all).sum(), (real & by_all).sum(), len(voxels))
    assert found.seen_by_all == expected
    assert found.seen.found > 0.85 * len(voxels)  # of the others two planes show nothing


def test_voxels_of_another_chamber_are_refused(simulated):
    source, event = simulated
    voxels = event.views[ROW_VOXELS]
    wider = dataclasses.replace(voxels, shape=tuple(2 * side for side in voxels.shape))
    other = dataclasses.replace(event, views={**event.views, ROW_VOXELS: wider})
    with pytest.raises(InputError, match=r"view row_voxels is \(.*\): it must be \(.* simulate"):
        finder_of("microboone", source.dead_wires)(other, ghost=GHOST, low=10.0)


def test_candidates_have_the_smallest_value_of_the_pixels_that_they_are_linked_to(simulated):
    source, event = simulated
    found = finder_of("microboone", source.dead_wires)(event, ghost=GHOST, low=10.0)
    view = found.event.views[CANDIDATES]
    charges = np.full((3, len(view)), np.inf)
    for number, name in enumerate(PLANES):
        plane = found.event.views[name]
        assert plane.values.min() >= 10
        links = view.links[name]
        assert (np.diff(links.offsets) <= 1).all()
        assert (links.shares == 1).all()
        np.testing.assert_array_equal(plane.coords[links.rows, 0], view.coords[links.owner, 0])
        charges[number, links.owner] = plane.values[links.rows]
    assert (np.isfinite(charges).sum(0) >= 2).all()
    np.testing.assert_array_equal(view.values, charges.min(0))


def test_without_truth_there_is_nothing_to_find():
    views = {name: plane_view([[1, 9]], name) for name in PLANES}
    found = WireFinder(CHAMBER, {})(Event(0, views), ghost=GHOST)
    assert found.event.views[CANDIDATES].labels is None
    assert found.seen == Recall(len(found.event.views[CANDIDATES]))


def cell_hits(corner, rows):
    """Hits of (plane, cell, instance, along in cells); the light is spread over 2 cm."""
    planes, cells, instance, along = np.array(rows, float).reshape(-1, 4).T
    return View(
        np.column_stack([planes, cells]).astype(np.int32), np.ones(len(rows), np.float32),
        (100, 80), labels=instance.astype(np.int8), instance=instance.astype(np.int32),
        share=np.full(len(rows), 0.75, np.float32), along=(along * 3.9).astype(np.float32),
        along_spread=np.full(len(rows), 2.0, np.float32), corner=corner,
    )  # fmt: skip


def test_pairs_of_one_particle_near_each_other_are_real():
    # Cells of YZ begin at 200 and those of XZ at 100, so a hit in cell 5 of YZ is at 205.5.
    views = {
        "XZ": cell_hits((8, 100), [(0, 7, 3, 205.4), (0, 8, 3, 203.4), (0, 9, 2, 205.5)]),
        "YZ": cell_hits((8, 200), [(0, 5, 3, 107.0)]),
    }
    candidates = cell_candidates(views)
    real, columns = hit_truth(candidates, views, NOVA_FAR, ghost=11)
    # The second's light is 2.1 cells away, its spread is 0.5; the third is another particle.
    assert candidates.coords[:, 1].tolist() == [7, 8, 9]
    assert real.tolist() == [True, True, False]
    assert columns["labels"].tolist() == [3, 3, 11]
    assert columns["instance"].tolist() == [3, 3, -1]
    assert columns["share"].tolist() == [0.75, 0.75, 0.0]
    lower = np.asarray(views["XZ"].along) - 0.6 * 3.9
    views["XZ"] = dataclasses.replace(views["XZ"], along=lower)
    real, _ = hit_truth(candidates, views, NOVA_FAR, ghost=11)
    assert real.tolist() == [True, False, False]  # the second's is 2.7 cells away


def test_recall_of_cells_counts_hits_of_particles():
    views = {
        "XZ": cell_hits((8, 100), [(0, 7, 3, 205.5), (50, 8, 3, 203.5), (60, 9, -1, 205.5)]),
        "YZ": cell_hits((8, 200), [(0, 5, 3, 107.5)]),
    }
    found = CellFinder(NOVA_FAR)(Event(0, views), ghost=11)
    assert found.seen == found.seen_by_all == Recall(candidates=1, real=1, found=2, true=3)


def test_other_detectors_have_no_candidates():
    with pytest.raises(InputError, match="detector is 'toy': candidates are known of microboone"):
        finder_of("toy", {})


def test_the_program_writes_a_file_of_candidates(simulated, tmp_path):
    source, event = simulated
    with EventWriter(
        tmp_path / "in.h5", detector="microboone", views=source.view_shapes,
        dead_wires=source.dead_wires,
    ) as writer:  # fmt: skip
        writer.append(event)
    command = [sys.executable, "-m", "jaxsparse", "candidates", "in.h5", "--out=out.h5"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=100, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    file = EventFile(tmp_path / "out.h5")
    assert file.class_names[-1] == "ghost"
    assert file.axes[CANDIDATES] == ("time row", "y", "z")
    expected = finder_of("microboone", source.dead_wires)(event, ghost=GHOST, low=10.0)
    view = file[0].views[CANDIDATES]
    np.testing.assert_array_equal(view.labels, expected.event.views[CANDIDATES].labels)
    _, by_all, seen, _ = done.stdout.splitlines()
    assert f"all 3 views show: {expected.seen_by_all.candidates:,} an event" in by_all
    share = 100 * expected.seen.found / expected.seen.true
    assert f"two views show: {len(view):,} an event" in seen
    assert seen.endswith(f"{share:.1f} % of voxels")
