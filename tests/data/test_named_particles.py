"""Particles that no pixel names are left out, and nothing else of an event changes."""

import dataclasses

import numpy as np

from jaxsparse.data.named_particles import keep_named
from jaxsparse.data.schema import Event, View, particle_table


def named(view):
    """Rows of particles, as a list."""
    return None if view.instance is None else view.instance.tolist()


def view(instance):
    number = len(instance)
    coords = np.column_stack([np.zeros(number), np.arange(number)]).astype(np.int32)
    return View(
        coords, np.ones(number, np.float32), (1, 9), instance=np.array(instance, np.int32)
    )  # fmt: skip


#  0 muon, 1 its electron (named), 2 photon of 1, 3 proton (a primary without a pixel),
#  4 neutron, primary, 5 photon of 4, 6 electron of 5 whose cluster is 5's (named), 7 photon of 4
PARENT = [-1, 0, 1, -1, -1, 4, 5, 4]
INSTANCE = [0, 1, 1, 3, -1, 5, 5, 7]
PDG = [13, 11, 22, 2212, 2112, 22, 11, 22]


def event():
    table = particle_table(8, pdg=PDG, parent=PARENT, instance=INSTANCE)
    return Event(0, {"U": view([1, -1, 1]), "Y": view([6, 1])}, particles=table)


def test_named_particles_their_ancestors_and_all_primaries_stay():
    kept = keep_named(event())
    assert kept.particles["pdg"].tolist() == [13, 11, 2212, 2112, 22, 11]
    assert kept.particles["parent"].tolist() == [-1, 0, -1, -1, 3, 4]
    assert kept.particles["instance"].tolist() == [0, 1, 2, -1, 4, 4]
    assert named(kept.views["U"]) == [1, -1, 1]
    assert named(kept.views["Y"]) == [5, 1]


def test_what_is_kept_once_is_kept_again():
    once = keep_named(event())
    twice = keep_named(once)
    assert twice.particles.tobytes() == once.particles.tobytes()
    assert named(twice.views["Y"]) == named(once.views["Y"])


def test_events_without_a_table_or_without_truth_stay_as_they_are():
    bare = dataclasses.replace(event(), particles=event().particles[:0])
    assert keep_named(bare) is bare
    unnamed = dataclasses.replace(view([0, 0]), instance=None)
    kept = keep_named(dataclasses.replace(event(), views={"Y": unnamed}))
    assert kept.views["Y"].instance is None
    assert kept.particles["pdg"].tolist() == [13, 2212, 2112]
