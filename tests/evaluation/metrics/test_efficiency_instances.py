"""Efficiency against energy, angles and overlap, and by cluster, on events counted by hand."""

import dataclasses

import numpy as np
import pytest

from jaxsparse.data.schema import PARTICLE_DTYPE, particle_table
from jaxsparse.detectors.microboone import DELTA, MICHEL, MIP
from jaxsparse.evaluation.metrics import efficiency, instances
from jaxsparse.evaluation.metrics.bootstrap import GroupedCounts
from jaxsparse.evaluation.metrics.metric import measure
from jaxsparse.evaluation.scored import Scored
from jaxsparse.viz import plots


@pytest.fixture(scope="module")
def event():
    """A muon along the drift of 3 pixels, a delta of 4 and a Michel of 5, and a pixel of none."""
    particles = np.zeros(3, PARTICLE_DTYPE)
    particles["kinetic_energy"] = [700.0, 7.0, 30.0]
    particles["direction"] = [(1, 0, 0), (0, -1, 0), (0, 0.6, 0.8)]
    owner = np.repeat([0, 1, 2, -1], [3, 4, 5, 1])
    labels = np.repeat([MIP, DELTA, MICHEL, -1], [3, 4, 5, 1]).astype(np.int8)
    predicted = np.maximum(labels, 0).astype(int)
    predicted[[3, 4]] = MIP  # half of the delta
    predicted[[7, 8]] = MIP  # two of five of the Michel
    columns: dict[str, np.ndarray] = {
        "instance": owner.astype(np.int32),
        "overlap": np.repeat([1, 6], [3, 10]).astype(np.uint8),
    }
    return Scored(
        np.eye(5, dtype=np.float32)[predicted], labels, tuple("HMsdE"), np.zeros(13), columns,
        particles,
    )  # fmt: skip


def test_a_cluster_is_found_if_more_than_half_of_it_is_right(event):
    metric = instances.Instances(event.classes, GroupedCounts())
    summary = measure([metric], [event])["instances"]
    assert (summary["d"]["number"], summary["d"]["found"]) == (1, 0.0)  # exactly half is not
    assert (summary["E"]["number"], summary["E"]["found"]) == (1, 1.0)
    assert summary["d"]["number_5_pixels"] == 0
    assert summary["E"]["number_5_pixels"] == 1
    assert summary["s"]["number"] == 0
    assert np.isnan(summary["s"]["found"])


def test_clusters_land_in_the_bin_of_their_energy(event):
    table = instances.instance_counts(event)
    edges = efficiency.ENERGY_EDGES
    (column,) = np.flatnonzero(table[0, DELTA, :, 0])
    assert edges[column] <= 7.0 < edges[column + 1]


def test_what_nobody_knows_the_energy_of_is_in_no_bin_and_counts_as_a_cluster(event):
    particles = particle_table(3)  # no energies, no directions
    unknown = dataclasses.replace(event, particles=particles)
    summary = measure([instances.Instances(event.classes, GroupedCounts())], [unknown])["instances"]
    assert (summary["E"]["number"], summary["E"]["found"]) == (1, 1.0)
    assert not any(summary["E"]["number_by_energy"])
    assert not plots.instance_figure({"instances": summary, "classes": event.classes})
    tables = efficiency.profile_counts(unknown, {"drift": np.array([1.0, 0, 0])})
    assert not tables["energy"].any()
    assert not tables["angle_to_drift"].any()
    assert tables["overlap"].any()


def test_pixels_land_in_the_bins_of_energy_angle_and_overlap(event):
    tables = efficiency.profile_counts(
        event, {"drift": np.array([1.0, 0, 0]), "wires": efficiency.wire_direction(0.0)}
    )
    drift = tables["angle_to_drift"]
    assert drift[MIP, 0].tolist() == [3, 3]  # along the drift
    assert drift[DELTA, -1].tolist() == [4, 2]  # across it
    wires = tables["angle_to_wires"]
    assert wires[DELTA, 0].tolist() == [4, 2]  # down a vertical wire
    assert wires[MICHEL, 5].tolist() == [5, 3]  # 53 degrees
    assert tables["overlap"][MIP, 0].tolist() == [3, 3]
    assert tables["overlap"][DELTA, -1].tolist() == [4, 2]
    assert tables["energy"][..., 0].sum() == 12


@pytest.mark.parametrize("angle", [0.0, 60.0, -60.0])
def test_wires_run_across_what_the_plane_measures(angle):
    across = np.array([0, np.sin(np.radians(angle)), np.cos(np.radians(angle))])
    assert efficiency.wire_direction(angle) @ across == pytest.approx(0, abs=1e-12)
    assert np.linalg.norm(efficiency.wire_direction(angle)) == pytest.approx(1)


def test_a_view_without_wires_particles_or_pixels_fills_nothing(event):
    nobody = dataclasses.replace(event, particles=event.particles[:0])
    tables = efficiency.profile_counts(nobody, {})
    assert not tables["energy"].any()
    assert not tables["angle_to_wires"].any()
    assert not instances.instance_counts(nobody).any()
    assert not instances.instance_counts(event.take(np.zeros(13, bool))).any()
