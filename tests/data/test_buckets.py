"""The capacity table: at most eight rows, little padding, room for whatever the file can give."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxsparse.data.buckets import BucketTable, _thresholds, fit_buckets
from jaxsparse.errors import InputError


def level_counts(sites: np.ndarray) -> np.ndarray:
    """Counts with the level ratios of a real wire plane: 1 / .405 / .181 / .087 / .045."""
    return np.ceil(sites[:, None] * np.array([1, 0.405, 0.181, 0.087, 0.045])).astype(int)


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(0)
    return level_counts(np.clip(rng.lognormal(6.2, 1.2, 500), 0, 5500))


def fit(counts, **options):
    top = counts[np.argsort(-counts[:, 0])[:16]]
    return fit_buckets(counts[:200], top, bound=[5500] * 5, **{"batch_size": 8, **options})


@settings(max_examples=30, deadline=None)
@given(
    batch_size=st.sampled_from([1, 2, 5, 16]),
    num_shares=st.integers(1, 4),
    num_buckets=st.integers(1, 8),
    max_sites=st.sampled_from([0, 700, 10**6]),
)
def test_tables_are_short_ordered_and_end_at_the_bound(
    counts, batch_size, num_shares, num_buckets, max_sites
):
    table = fit(
        counts, batch_size=batch_size, num_shares=num_shares, num_buckets=num_buckets,
        max_sites=max_sites,
    )  # fmt: skip
    rows = np.array(table.capacities)
    assert 1 <= len(rows) <= 8
    assert 1 <= table.measured <= min(num_buckets, len(rows))
    assert (np.diff(rows, axis=0) >= 0).all()
    assert len(set(table.capacities)) == len(rows)
    assert (np.diff(rows, axis=1) <= 0).all()  # no level has more sites than the finer one
    limit = min(-(-batch_size // num_shares) * 5500, max_sites or np.inf)
    assert table.largest[0] == limit


def test_the_measured_rows_fit_unseen_batches_with_little_padding(counts):
    table = fit(counts, batch_size=16)
    rng = np.random.default_rng(5)
    used, padded, beyond = 0, 0, 0
    for _ in range(500):
        batch = counts[rng.integers(len(counts), size=16)].sum(axis=0)
        bucket = table.pick(batch)
        assert bucket is not None
        beyond += bucket >= table.measured
        used, padded = used + batch[0], padded + table.capacities[bucket][0]
    assert beyond <= 5
    assert padded < 1.35 * used


def test_more_buckets_never_pad_more():
    totals = np.sort(np.random.default_rng(1).lognormal(6, 1, 300))

    def padded(ends):
        return sum(
            (end - start) * totals[end] for start, end in zip([-1, *ends[:-1]], ends, strict=True)
        )

    costs = [padded(_thresholds(totals, number)) for number in range(1, 6)]
    assert all(later <= earlier for earlier, later in itertools.pairwise(costs))
    assert costs[3] < 0.5 * costs[0]


def test_thresholds_are_the_best_of_all_choices():
    totals = np.array([1.0, 1, 2, 10, 11, 12, 50, 51])
    last = len(totals) - 1
    best = min(
        (first + 1) * totals[first] + (second - first) * totals[second] + (last - second) * 51
        for first in range(last)
        for second in range(first + 1, last)
    )
    ends = _thresholds(totals, 3)
    assert ends == [2, 5, 7]  # by eye: 1 1 2 | 10 11 12 | 50 51
    assert best == 3 * 2 + 3 * 12 + 2 * 51


def test_pick_wants_room_at_every_level_on_every_device():
    table = BucketTable(((64, 32), (128, 64), (256, 256)))
    assert table.pick([64, 32]) == 0
    assert table.pick([64, 33]) == 1
    assert table.pick([[10, 10], [100, 70], [0, 0]]) == 2
    assert table.pick([257, 1]) is None


def test_files_without_sites_or_events_have_a_table():
    empty = np.zeros((0, 3), np.int64)
    assert fit_buckets(empty, empty, [0, 0, 0], batch_size=4).pick([0, 0, 0]) == 0
    none = np.zeros((5, 3), np.int64)
    assert fit_buckets(none, none, [0, 0, 0], batch_size=4, num_shares=2).pick([0, 0, 0]) == 0


@pytest.mark.parametrize("number", [0, 9])
def test_the_number_of_buckets_has_a_range(counts, number):
    with pytest.raises(InputError, match=f"data.num_buckets is {number}"):
        fit(counts, num_buckets=number)


def test_several_views_are_one_tuple_and_each_falls_by_itself():
    rng = np.random.default_rng(2)
    finest = rng.integers(5, 200, (120, 2))
    counts = np.stack([finest, finest // 2, finest // 5], axis=2).reshape(120, 6)
    counts[:, 3:] *= 3  # the second view has three times as much
    bound = [250, 150, 60, 700, 400, 200]
    table = fit_buckets(counts, counts[:4], bound, batch_size=10, num_shares=2, views=2)
    for row in table.capacities:
        assert len(row) == 6
        assert row[0] >= row[1] >= row[2]
        assert row[3] >= row[4] >= row[5]
    assert table.capacities[0][3] >= 2 * table.capacities[0][0]
    # Whatever batch is drawn, one of the tuples fits.
    assert all(
        table.pick(counts[rng.integers(120, size=5)].sum(axis=0)) is not None for _ in range(200)
    )
    assert table.largest == tuple(5 * n for n in bound)
