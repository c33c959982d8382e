"""Efficiency against energy, angles and overlap, and by cluster, on events counted by hand."""

import numpy as np
import pytest

from jaxsparse.data.schema import PARTICLE_DTYPE, View
from jaxsparse.detectors.microboone import DELTA, MICHEL, MIP
from jaxsparse.evaluation.segmentation import efficiency, instances


@pytest.fixture(scope="module")
def event():
    """A muon along the drift of 3 pixels, a delta of 4 and a Michel of 5, and a pixel of none."""
    particles = np.zeros(3, PARTICLE_DTYPE)
    particles["kinetic_energy"] = [700.0, 7.0, 30.0]
    particles["direction"] = [(1, 0, 0), (0, -1, 0), (0, 0.6, 0.8)]
    owner = np.repeat([0, 1, 2, -1], [3, 4, 5, 1])
    labels = np.repeat([MIP, DELTA, MICHEL, -1], [3, 4, 5, 1]).astype(np.int8)
    coords = np.stack([np.zeros(13), np.arange(13)], axis=1).astype(np.int32)
    view = View(
        coords, np.ones(13, np.float32), (1, 13), labels, owner.astype(np.int32),
        overlap=np.repeat([1, 6], [3, 10]).astype(np.uint8),
    )  # fmt: skip
    predicted = labels.astype(int).copy()
    predicted[[3, 4]] = MIP  # half of the delta
    predicted[[7, 8]] = MIP  # two of five of the Michel
    return view, predicted, particles


def count(event):
    view, predicted, particles = event
    return instances.instance_counts(view, predicted, particles, 5)


def test_a_cluster_is_found_if_more_than_half_of_it_is_right(event):
    table = count(event)
    summary = instances.instance_summary(table, np.zeros((5, 11)), tuple("HMsdE"))
    assert (summary["d"]["number"], summary["d"]["found"]) == (1, 0.0)  # exactly half is not
    assert (summary["E"]["number"], summary["E"]["found"]) == (1, 1.0)
    assert summary["d"]["number_5_pixels"] == 0
    assert summary["E"]["number_5_pixels"] == 1
    assert summary["s"]["number"] == 0
    assert np.isnan(summary["s"]["found"])


def test_clusters_land_in_the_bin_of_their_energy(event):
    table = count(event)
    edges = efficiency.ENERGY_EDGES
    (column,) = np.flatnonzero(table[0, DELTA, :, 0])
    assert edges[column] <= 7.0 < edges[column + 1]


def test_pixels_land_in_the_bins_of_energy_angle_and_overlap(event):
    view, predicted, particles = event
    tables = efficiency.profile_counts(
        view, predicted, particles, 5, efficiency.wire_direction(0.0)
    )
    drift = tables["profile_angle_to_drift"]
    assert drift[MIP, 0].tolist() == [3, 3]  # along the drift
    assert drift[DELTA, -1].tolist() == [4, 2]  # across it
    wires = tables["profile_angle_to_wires"]
    assert wires[DELTA, 0].tolist() == [4, 2]  # down a vertical wire
    assert wires[MICHEL, 5].tolist() == [5, 3]  # 53 degrees
    assert tables["profile_overlap"][MIP, 0].tolist() == [3, 3]
    assert tables["profile_overlap"][DELTA, -1].tolist() == [4, 2]
    assert tables["profile_energy"][..., 0].sum() == 12


@pytest.mark.parametrize("angle", [0.0, 60.0, -60.0])
def test_wires_run_across_what_the_plane_measures(angle):
    across = np.array([0, np.sin(np.radians(angle)), np.cos(np.radians(angle))])
    assert efficiency.wire_direction(angle) @ across == pytest.approx(0, abs=1e-12)
    assert np.linalg.norm(efficiency.wire_direction(angle)) == pytest.approx(1)


def test_a_view_without_wires_particles_or_pixels_fills_nothing(event):
    view, predicted, particles = event
    tables = efficiency.profile_counts(view, predicted, particles[:0], 5)
    assert not tables["profile_energy"].any()
    assert not tables["profile_angle_to_wires"].any()
    nothing = view.take(np.zeros(13, bool))
    assert not instances.instance_counts(nothing, predicted[:0], particles, 5).any()
