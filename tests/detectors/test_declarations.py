"""What a declaration of a detector may say."""

import math
from typing import Any

import pytest

from jaxsparse.detectors import ClassSet, Detector, DetectorView, NeutralCurrents, TopologyWords
from jaxsparse.errors import InputError

AXES = ("row", "column")
WORD: Any = "strip"
LISTS: Any = (["a", "b"], ["#111111", "#222222"])
WORDS: Any = ("x", 1)
PAIR: Any = (1, 0)
TRIPLES: Any = ((0.0, 0.0, 1.0),)


@pytest.mark.parametrize(
    "edges",
    [(), (1,), (5, 3, 1), (0, 1, 1), (0, math.nan), (-math.inf, 0), (0, math.inf, math.inf)],
)
def test_edges_are_two_or_more_that_rise(edges):
    with pytest.raises(InputError, match="energy_edges is"):
        Detector("toy", {}, energy_edges=edges)
    if edges:  # without any the question is not asked
        with pytest.raises(InputError, match="photon_gap is"):
            NeutralCurrents("nc", "nue", "numu", photon_gap=edges)


def test_the_last_edge_may_be_infinite():
    assert Detector("toy", {}, energy_edges=(0, math.inf)).energy_edges == (0, math.inf)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Detector("toy", {}, energy_edges=(0, 10**400)), "energy_edges is 1000000"),
        (lambda: Detector("toy", {}, energy_edges=WORDS), "energy_edges is 'x'"),
        (lambda: Detector("toy", {}, drift=(1, 0, math.inf)), "drift is inf: it must be finite"),
        (lambda: Detector("toy", {}, drift=PAIR), r"drift is \(1.0, 0.0\): it must be three"),
        (
            lambda: Detector("toy", {}, topology_words={"energy": TopologyWords(("a",))}),
            "topology_words has 'energy': every detector has such a profile",
        ),
        (
            lambda: Detector("toy", {}, topology_words={"topology": TopologyWords(("a",))}),
            "topology_words has 'topology'",
        ),
        (lambda: DetectorView(WORD), "axes is 'strip': it must be a tuple of texts, one an axis"),
        (lambda: DetectorView(AXES, std=0), "std is 0: it must be positive"),
        (lambda: DetectorView(AXES, std=-1), "std is -1: it must be positive"),
        (lambda: DetectorView(AXES, mean=math.nan), "mean is nan: it must be a number"),
        (lambda: DetectorView(AXES, low=5, high=1), "low is 5: it must not be above high, 1"),
        (lambda: DetectorView(AXES, shape=(-1, 8)), "shape is -1: must be at least 1"),
        (lambda: DetectorView(AXES, wire_angle=math.inf), "wire_angle is inf"),
        (lambda: ClassSet(("a",), colours=("zzz",)), "colours has 'zzz'"),
        (lambda: ClassSet(("a",), colours=("#12345g",)), "colours has '#12345g'"),
        (lambda: ClassSet(("a",), colours=TRIPLES), "colours has"),
        (lambda: ClassSet(("a",), rules=("nosuch>0.5",)), "rules has 'nosuch>0.5': it must begin"),
        (lambda: ClassSet(("a",), rules=("a>x",)), "the threshold of the rule 'a>x' is 'x'"),
        (lambda: ClassSet(("a",), rules=("a>1",)), "rules has 'a>1': its threshold must be"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(make, message):
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("colour", ["#1F77b4", "red", "C1", "0.5"])
def test_a_colour_is_one_of_matplotlib(colour):
    assert ClassSet(("a",), (colour,)).colours == (colour,)


def test_lists_are_kept_as_tuples():
    assert ClassSet(*LISTS) == ClassSet(*map(tuple, LISTS))
    assert DetectorView(list(AXES)) == DetectorView(AXES)  # type: ignore[arg-type]
