"""Which grouping is used, and what evaluations with one leave: of pixels that a network names."""

import numpy as np
import pytest

from jaxsparse.errors import InputError
from jaxsparse.evaluation.grouped import Grouped
from jaxsparse.evaluation.options import Options
from jaxsparse.evaluation.scored import Scored
from jaxsparse.inference.grouping import Queries


def test_heads_of_particles_bring_their_own_grouping_and_other_networks_bring_none():
    assert Grouped.of(Options(), ("semantic",)) is None
    own = Grouped.of(Options(), ("semantic", "instance"))
    chosen = Grouped.of(Options(grouping="linked"), ("semantic", "instance"))
    assert own is not None
    assert chosen is not None
    assert (own.name, chosen.name) == ("queries", "linked")
    edges = Grouped.of(Options(), ("semantic", "edges"))
    fragments = Grouped.of(Options(grouping="fragments"), ("semantic", "edges"))
    assert edges is not None
    assert fragments is not None
    assert (edges.name, fragments.name) == ("particles", "fragments")


def test_true_classes_of_nothing_are_refused():
    with pytest.raises(InputError, match="--true_classes: nothing is grouped, give --grouping"):
        Grouped.of(Options(true_classes=True), ("semantic",))


def test_pixels_are_grouped_by_the_classes_asked_for():
    image = Scored.of([[0.9, 0.1], [0.2, 0.8], [0.9, 0.1]], [0, 0, -1], "ab")
    coords = np.array([[0, 0], [0, 1], [0, 2]])
    predicted = Grouped("linked")
    assert predicted([image], [coords])[0]["predicted_instance"].tolist() == [0, 1, 0]
    (columns,) = Grouped("linked", true_classes=True)([image], [coords])
    assert columns["predicted_instance"].tolist() == [0, 0, -1]
    assert columns["predicted_instance_class"].tolist() == [0, 0, -1]
    facts = predicted.facts()
    assert (facts["name"], facts["true_classes"]) == ("linked", False)
    assert facts["seconds_per_event"] > 0


def test_what_queries_say_of_one_event_of_a_batch_is_cut_out():
    class Said:
        pixels = (np.arange(12).reshape(6, 2), np.arange(8).reshape(4, 2))
        used = np.array([[1.0, 2.0], [3.0, 4.0]])
        classes = np.zeros((2, 2, 5))

    said = Queries.of(Said, 1, [slice(4, 6), slice(4, 4)])
    assert said.pixels[0].tolist() == [[8, 9], [10, 11]]
    assert said.pixels[1].shape == (0, 2)
    assert said.used.tolist() == [3, 4]
