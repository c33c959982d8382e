"""The class of a particle is that of the ancestor that left the electromagnetic chain."""

import logging

import numpy as np
import pytest

from jaxsparse.data.schema import NO_CLASS, PARTICLE_DTYPE
from jaxsparse.detectors.microboone import DELTA, HIP, MICHEL, MIP, SHOWER
from jaxsparse.errors import InputError
from jaxsparse.simulate.transport.truth import label_particles, unknown_processes


def table(*rows):
    """Particles from (pdg, parent, process, kinetic energy in MeV)."""
    particles = np.zeros(len(rows), PARTICLE_DTYPE)
    for name, column in zip(
        ("pdg", "parent", "process", "kinetic_energy"), zip(*rows, strict=True), strict=True
    ):
        particles[name] = column
    return particles


CASES: dict[str, tuple[list[tuple[float, ...]], int, int]] = {
    # chain of particles -> (label, instance) of the last one
    "a primary muon": ([(13, -1, 0, 1000)], MIP, 0),
    "a primary with a stale process": ([(13, -1, 2022, 1000)], MIP, 0),
    "a primary electron": ([(11, -1, 0, 500)], SHOWER, 0),
    "a photon of its bremsstrahlung": ([(11, -1, 0, 500), (22, 0, 2003, 9)], SHOWER, 0),
    "a delta ray of a muon": ([(13, -1, 0, 1000), (11, 0, 2002, 9)], DELTA, 1),
    "a delta ray of a proton": ([(2212, -1, 0, 1000), (11, 0, 2002, 1)], DELTA, 1),
    "a Compton electron of a delta ray's photon": (
        [(13, -1, 0, 1000), (11, 0, 2002, 50), (22, 1, 2003, 9), (11, 2, 2013, 5)], DELTA, 1,
    ),
    "an ionisation electron of a delta ray": (
        [(13, -1, 0, 1000), (11, 0, 2002, 50), (11, 1, 2002, 3)], DELTA, 1,
    ),
    "a Michel electron of a free decay": ([(-13, -1, 0, 9), (-11, 0, 6201, 40)], MICHEL, 1),
    "a Michel electron of a bound decay": ([(13, -1, 0, 9), (11, 0, 4151, 40)], MICHEL, 1),
    "an annihilation photon of a Michel positron": (
        [(-13, -1, 0, 9), (-11, 0, 6201, 40), (22, 1, 2005, 0.511)], MICHEL, 1,
    ),
    "an Auger electron": ([(13, -1, 0, 9), (11, 0, 4151, 0.4)], MIP, 0),
    "a photon of an Auger electron": (
        [(13, -1, 0, 9), (11, 0, 4151, 0.4), (22, 1, 2003, 0.1)], MIP, 0,
    ),
    "a capture photon": ([(13, -1, 0, 9), (22, 0, 4151, 3)], SHOWER, 1),
    "a capture proton": ([(13, -1, 0, 9), (2212, 0, 4151, 3)], HIP, 1),
    "a photon radiated by a muon": ([(13, -1, 0, 9e3), (22, 0, 2003, 300)], SHOWER, 1),
    "a pair made by a muon": ([(13, -1, 0, 9e3), (-11, 0, 2004, 300)], SHOWER, 1),
    "the muon of a pion": ([(211, -1, 0, 100), (-13, 0, 6201, 4.1)], MIP, 1),
    "the Michel positron behind a pion": (
        [(211, -1, 0, 100), (-13, 0, 6201, 4.1), (-11, 1, 6201, 30)], MICHEL, 2,
    ),
    "the pair of a neutral pion's photon": (
        [(211, -1, 0, 900), (111, 0, 4121, 300), (22, 1, 6201, 200), (11, 2, 2014, 90)], SHOWER, 2,
    ),
    "a Dalitz electron": ([(111, -1, 0, 300), (11, 0, 6201, 90)], SHOWER, 1),
    "a recoil nucleus": ([(2112, -1, 0, 90), (1000180400, 0, 4111, 1)], HIP, 1),
    "a neutral pion itself": ([(111, -1, 0, 300)], NO_CLASS, 0),
    "a neutrino": ([(14, -1, 0, 300)], NO_CLASS, 0),
    "an electron by an unknown process": ([(13, -1, 0, 300), (11, 0, 9999, 30)], MIP, 0),
    "a proton by an unknown process": ([(13, -1, 0, 300), (2212, 0, 9999, 30)], MIP, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_ancestor_decides(name):
    rows, label, instance = CASES[name]
    result = label_particles(table(*rows))
    assert (result["label"][-1], result["instance"][-1]) == (label, instance)


def test_the_order_of_rows_does_not_matter():
    rows = CASES["a Compton electron of a delta ray's photon"][0]
    particles = table(*rows)
    order = np.array([2, 0, 3, 1])  # new row of each old row
    shuffled = particles.copy()
    shuffled[order] = particles
    shuffled["parent"][order] = np.where(
        particles["parent"] < 0, -1, order[np.maximum(particles["parent"], 0)]
    )
    labelled, reordered = label_particles(particles), label_particles(shuffled)
    assert np.array_equal(reordered["label"][order], labelled["label"])
    assert np.array_equal(reordered["instance"][order], order[labelled["instance"]])


def test_unknown_processes_are_reported_with_their_count(caplog):
    particles = table((13, -1, 7777, 300), (11, 0, 9001, 3), (11, 0, 9001, 3), (22, 0, 2003, 3))
    with caplog.at_level(logging.WARNING):
        label_particles(particles)
    assert unknown_processes(particles) == {9001: 2}
    assert "9/1 x 2" in caplog.text


def test_the_input_is_left_alone_and_an_empty_table_is_legal():
    particles = table((13, -1, 0, 300))
    before = particles.copy()
    label_particles(particles)
    assert np.array_equal(particles, before)
    assert len(label_particles(np.zeros(0, PARTICLE_DTYPE))) == 0


@pytest.mark.parametrize("parents", [(-2, 0), (-1, 2), (1, 0)])
def test_impossible_mothers_are_refused(parents):
    particles = table((22, parents[0], 2003, 3), (11, parents[1], 2013, 3))
    with pytest.raises(InputError, match=r"particles\.parent"):
        label_particles(particles)
