"""ProtoDUNE's chamber: values are electrons, images have the shape of the detector's."""

import dataclasses
import math

import numpy as np
import pytest
from absl import flags

from jaxsparse.data.deposits import Deposits
from jaxsparse.data.schema import PARTICLE_DTYPE
from jaxsparse.detectors.microboone import MICROBOONE, MIP
from jaxsparse.detectors.protodune import MIP_SCALE, PROTODUNE
from jaxsparse.errors import InputError
from jaxsparse.simulate.protodune import PROTODUNE_CHAMBER
from jaxsparse.simulate.samples import define_flags, sample
from jaxsparse.simulate.wire_chamber.response import detector_response


def muon(x):
    """A muon of 2.1 MeV/cm along the beam, over all wires."""
    table = np.zeros(1, PARTICLE_DTYPE)
    table["pdg"], table["parent"], table["label"], table["interaction"] = 13, -1, MIP, True
    edges = np.linspace((x, 300.0, 1.0), (x, 300.0, 229.0), 801)
    length = np.full(800, 228.0 / 800)
    steps = Deposits(
        edges[:-1], edges[1:], 2.1 * length, length, np.zeros(800), np.zeros(800, np.int32)
    )
    return steps, table


def image(x):
    quiet = dataclasses.replace(PROTODUNE_CHAMBER.planes[0], noise=1e-6)
    chamber = dataclasses.replace(
        PROTODUNE_CHAMBER, planes=(quiet,), signal_floor=1.0, electron_lifetime=math.inf
    )
    steps, table = muon(x)
    event = detector_response(steps, table, chamber, np.random.default_rng(0), views=["W"])
    return event.views["W"]


def test_a_minimum_ionising_particle_leaves_the_electrons_that_escape_at_500_volts_a_centimetre():
    view = image(100.0)
    a_wire = np.bincount(view.coords[:, 1], view.values)[10:470]
    k = 0.212 / (1.38 * 0.5) * 2.1
    escaping = 2.1 * 0.479 / 23.6e-6 * math.log(0.93 + k) / k
    assert escaping == pytest.approx(30.0e3, rel=0.01)  # of the detector's description
    assert a_wire.mean() == pytest.approx(escaping, rel=0.01)


def test_rows_are_where_the_drift_time_puts_them_and_the_far_face_is_empty():
    view = image(100.0)
    assert view.shape == (1000, 960)
    assert view.coords[:, 1].max() < 480
    row = (view.coords[:, 0] + 0.5) @ view.values / view.values.sum()
    assert row == pytest.approx((250 + 100.0 / 0.16) / 3, abs=0.1)  # trigger 250 us into the image


def test_networks_see_a_minimum_ionising_particle_as_in_microboone():
    own, other = PROTODUNE.view("W", 2), MICROBOONE.view("Y", 2)
    assert 30.0e3 / own.std == pytest.approx(16.9e3 / 300 / other.std, rel=0.02)
    assert own.low / own.std == pytest.approx(other.low / other.std)
    assert PROTODUNE.pixel_classes == MICROBOONE.pixel_classes
    assert other.high == own.high / MIP_SCALE


def chosen(*arguments):
    values = flags.FlagValues()
    define_flags(values)
    values(["simulate", "--detector=protodune_hd", *arguments])
    return sample(values)


def test_the_program_makes_the_plane_that_collects():
    made = chosen("--seed=3", "--cosmic_rate=0.2")
    assert made.detector == "protodune_hd"
    (event,) = made.make(range(5, 6))
    view = event.views["W"]
    assert 0 < len(view) < 50_000
    assert view.values.min() >= 5 * MIP_SCALE
    assert set(view.labels) <= set(range(-1, 5))


def test_planes_that_wrap_are_refused_in_one_line():
    with pytest.raises(InputError, match="View 'U': protodune_hd has W"):
        chosen("--views=U")
