"""Fragments joined by a second classifier: its features, its training and its file."""

import functools

import numpy as np
import pytest

from jaxsparse import pretrained
from jaxsparse.errors import InputError
from jaxsparse.inference.grouping import Edges, SeenEvent, SeenView, grouping_of
from jaxsparse.inference.grouping.edges import SortedPairs
from jaxsparse.inference.grouping.fragment_pairs import FragmentPairs
from jaxsparse.inference.grouping.joined import joined, truth_of_pairs
from jaxsparse.inference.joiner import Joiner, train_joiner
from tests.random_views import random_cells

PIXELS, CLASSES = 200, 3


def random_view(seed):
    rng = np.random.default_rng(seed)
    coords = random_cells(rng, PIXELS, (40, 40))
    scores = rng.dirichlet(np.ones(CLASSES) / 4, PIXELS)
    scores[rng.random(PIXELS) < 0.1] = 0
    view = SeenView(coords, scores.astype(np.float32), rng.uniform(10, 300, PIXELS))
    one, other = rng.integers(0, PIXELS, (2, 600))
    return view, Edges(
        one[one != other], other[one != other], rng.normal(2, 3, (one != other).sum())
    )


def moved(view, edges, order):
    """The same pixels in another order, and the pairs in another order and the other way round."""
    place, pairs = np.argsort(order), np.random.default_rng(1).permutation(len(edges.one))
    return (
        SeenView(view.coords[order], view.scores[order], view.values[order]),
        Edges(place[edges.other][pairs], place[edges.one][pairs], edges.same[pairs]),
    )


def found(view, edges, sure=0.5):
    pixels = SortedPairs.of(view, edges)
    fragment = pixels.fragments(sure)
    return pixels, fragment, FragmentPairs.of(pixels, fragment)


def test_every_two_fragments_that_a_pair_of_pixels_links_are_a_pair_once():
    pixels, fragment, pairs = found(*random_view(0))
    ends = np.stack([fragment[pixels.one], fragment[pixels.other]])
    across = ends[0] != ends[1]
    expected = {tuple(sorted(pair)) for pair in ends.T[across].tolist()}
    assert list(zip(pairs.one.tolist(), pairs.other.tolist(), strict=True)) == sorted(expected)
    assert len(expected) > 50
    for place, row in zip(pairs.across.tolist(), pairs.member.tolist(), strict=True):
        assert {pairs.one[row], pairs.other[row]} == set(ends[:, place].tolist())


def test_features_do_not_depend_on_the_order_of_pixels_or_pairs():
    view, edges = random_view(1)
    order = np.random.default_rng(0).permutation(PIXELS)
    *_, own = found(view, edges)
    *_, other = found(*moved(view, edges, order))
    np.testing.assert_array_equal(own.one, other.one)
    np.testing.assert_array_equal(own.features, other.features)
    assert np.isfinite(own.features).all()


def two(one, other, values=(1.0, 1.0)):
    """Features of two fragments of pixels, linked by their first pixels."""
    coords, number = np.array([*one, *other]), np.repeat([0, 1], [len(one), len(other)])
    scores = np.ones((len(coords), 1), np.float32)
    chains = [
        (a, a + 1, 9.0) for a in range(len(coords) - 1) if number[a] == number[a + 1]
    ]  # fmt: skip
    first, second, same = np.array([*chains, (0, len(one), -9.0)]).T
    edges = Edges(first.astype(int), second.astype(int), same)
    view = SeenView(coords, scores, np.array(values)[number])
    *_, pairs = found(view, edges, 0.9)
    assert len(pairs.features) == 1
    return pairs.features[0]


def test_features_are_the_same_whichever_fragment_comes_first_and_know_lines():
    line = [(0, -c) for c in range(8)]
    on, across = [(0, 5 + c) for c in range(8)], [(c, 5) for c in range(8)]
    straight, bent = two(line, on), two(line, across)
    np.testing.assert_allclose(straight, two(on, line), rtol=1e-12)
    np.testing.assert_allclose(
        two(line, across, (3.0, 5.0)), two(across, line, (5.0, 3.0)), rtol=1e-12
    )
    assert straight[0] == pytest.approx(np.log(5))  # the gap
    assert straight[2] == pytest.approx(1)  # the cosine between both
    assert bent[2] == pytest.approx(0, abs=1e-9)


def test_a_joiner_learns_what_its_features_say_and_is_the_same_again():
    rng = np.random.default_rng(0)
    features = rng.normal(5, 3, (3000, 4))
    labels = features[:, 0] + features[:, 1] > 10
    joiner = train_joiner(features, labels, steps=400)
    assert ((joiner(features) > 0.5) == labels).mean() > 0.97
    again = train_joiner(features, labels, steps=400)
    np.testing.assert_array_equal(joiner(features), again(features))
    other = train_joiner(features, labels, 1, steps=400)
    assert joiner.sha256 == again.sha256 != other.sha256


def test_a_joiner_comes_back_from_its_file_and_another_file_is_one_line(tmp_path):
    features = np.random.default_rng(0).normal(size=(64, 3))
    joiner = train_joiner(features, features[:, 0] > 0, steps=5)
    joiner.write(tmp_path / "j.safetensors")
    read = Joiner.read(tmp_path / "j.safetensors")
    np.testing.assert_array_equal(read(features), joiner(features))
    with pytest.raises(InputError, match="joiner has 3 features, but pairs have 2: train it"):
        read(features[:, :2])
    for damaged in (b"", b"no joiner at all", (tmp_path / "j.safetensors").read_bytes()[:-9]):
        (tmp_path / "bad").write_bytes(damaged)
        with pytest.raises(InputError, match="which is damaged or no joiner's file: copy it again"):
            Joiner.read(tmp_path / "bad")
    with pytest.raises(InputError, match="missing: there is no such file, check the path, or give"):
        Joiner.read(tmp_path / "missing")
    for wrong in ({"bias_0": np.zeros(31, "f4")}, {"more": np.zeros(1, "f4")}):
        Joiner({**joiner.arrays, **wrong}).write(tmp_path / "bad")
        with pytest.raises(InputError, match="which is damaged or no joiner's file: copy it again"):
            Joiner.read(tmp_path / "bad")


class Sure(Joiner):
    """One that is given its answers."""

    def __call__(self, features):
        return self.arrays["answers"]


def test_with_perfect_answers_fragments_of_one_particle_become_one():
    view, edges = random_view(2)
    instance = np.random.default_rng(0).integers(-1, 6, PIXELS)
    pixels, fragment, pairs = found(view, edges, 0.9)
    truth = truth_of_pairs(pairs, fragment, instance[pixels.rows])
    owner: dict[int, int | None] = {}
    for of in range(fragment.max() + 1):
        own = instance[pixels.rows][fragment == of]
        own = own[own >= 0].tolist()
        owner[of] = min(set(own), key=lambda p: (-own.count(p), p)) if own else None
    for one, other, said in zip(pairs.one, pairs.other, truth, strict=True):
        both = owner[one], owner[other]
        assert said == (-1 if None in both else both[0] == both[1])
    joiner = Sure({"answers": (truth == 1).astype(float)})
    (number,) = joined(SeenEvent((view,), edges=(edges,)), joiner, 0.9, least=1.0)
    named = number[pixels.rows]
    groups = [set(named[fragment == of].tolist()) for of in range(fragment.max() + 1)]
    assert all(len(group) == 1 for group in groups)  # a fragment is never cut
    joins = [groups[a] == groups[b] for a, b in zip(pairs.one, pairs.other, strict=True)]
    assert 0 < sum(joins) < len(joins)


def test_pixels_in_another_order_get_the_same_instances():
    view, edges = random_view(3)
    *_, pairs = found(view, edges, 0.9)
    joiner = train_joiner(pairs.features, np.arange(len(pairs.one)) % 2 == 0, steps=20)
    order = np.random.default_rng(2).permutation(PIXELS)
    (own,) = joined(SeenEvent((view,), edges=(edges,)), joiner)
    again, pairs_again = moved(view, edges, order)
    (other,) = joined(SeenEvent((again,), edges=(pairs_again,)), joiner)
    assert own.dtype == np.int32
    np.testing.assert_array_equal(own[order], other)


@pytest.mark.parametrize("pixels", [0, 1, 5])
def test_a_view_of_nothing_or_without_pairs_joins_nothing(pixels):
    coords = np.stack([np.arange(pixels), np.arange(pixels)], axis=1)
    none = np.zeros(0, int)
    view = SeenView(coords, np.ones((pixels, CLASSES), np.float32), np.ones(pixels))
    *_, some = found(*random_view(0))
    joiner = train_joiner(some.features, some.one % 2 == 0, steps=5)
    (number,) = joined(SeenEvent((view,), edges=(Edges(none, none, np.zeros(0)),)), joiner)
    assert number.tolist() == list(range(pixels))


def test_a_joiner_chooses_its_grouping_and_what_does_not_fit_is_refused():
    asked = functools.partial(grouping_of, heads=("semantic", "edges"))
    assert asked("", joiner=True) == asked("joined", joiner=True) == "joined"
    with pytest.raises(InputError, match="grouping is 'joined' without a joiner: give --joiner"):
        asked("joined")
    with pytest.raises(InputError, match="grouping is 'linked' with a joiner"):
        asked("linked", joiner=True)
    with pytest.raises(InputError, match="the network has heads semantic: leave it out"):
        grouping_of("", ("semantic",), joiner=True)


def test_a_joiner_comes_along_by_the_name_of_its_network():
    for name in pretrained.joiners():
        assert Joiner.read(name).sha256 == Joiner.read(pretrained.joiner_of(name)).sha256


def test_a_name_without_a_joiner_is_one_line():
    with pytest.raises(InputError, match="joiner is 'sparsessnet_y', neither a file nor a network"):
        Joiner.read("sparsessnet_y")


def test_a_misspelt_name_of_a_joiner_has_a_hint():
    with pytest.raises(InputError, match=r"did you mean microboone_panoptic\?"):
        Joiner.read("microbone_panoptic")
