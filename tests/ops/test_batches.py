"""Events taken out of batches, batches put together and beside each other."""

import functools

import jax
import numpy as np
import pytest

from jaxsparse import InputError, geometry, ops, sparse_tensor


def batch(seed=0, events=3, capacity=30, channels=2, shape=(4, 5)):
    """Random sites, none in the second event."""
    rng = np.random.default_rng(seed)
    coords = np.argwhere(rng.random((events, *shape)) < 0.3)
    coords = coords[coords[:, 0] != 1]
    return sparse_tensor(coords, rng.normal(size=(len(coords), channels)), spatial_shape=shape,
                         batch_size=events, capacity=capacity)  # fmt: skip


def check_canonical(x):
    count = int(x.num_active)
    coords = np.asarray(x.coords)
    assert (np.diff(np.ravel_multi_index(coords[:count].T, x.shape[:-1])) > 0).all()
    assert (coords[count:] == -1).all()
    assert not np.asarray(x.features[count:]).any()


@pytest.mark.parametrize("events", [0, 1, 2, -1, slice(1, 3), slice(None), slice(0, 2)])
def test_events_of_a_batch_are_those_of_its_images(events):
    x = batch()
    part = jax.jit(lambda x: x[events])(x)
    images = np.asarray(x.to_dense())[events]
    np.testing.assert_array_equal(
        part.to_dense(), images if isinstance(events, slice) else images[None]
    )
    check_canonical(part)
    assert (part.capacity, part.stride) == (x.capacity, x.stride)


def test_a_loop_over_a_batch_meets_every_event_once():
    x = batch()
    parts = list(x)
    assert len(parts) == len(x) == 3
    together = ops.concatenate_events(parts)
    np.testing.assert_array_equal(together.to_dense(), x.to_dense())
    for wrong in (3, -4):
        with pytest.raises(IndexError, match="must be from 0 to 2"):
            x[wrong]
    for nothing in (slice(2, 2), slice(0, 3, 2)):
        with pytest.raises(InputError, match="must be one or more in a row"):
            x[nothing]
    with pytest.raises(InputError, match=r"event is 0\.5: must be an integer"):
        x[0.5]


def test_batches_follow_each_other():
    parts = [batch(0), batch(1, events=2, capacity=25), batch(2, capacity=40)]
    whole = jax.jit(ops.concatenate_events)(parts)
    expected = np.concatenate([np.asarray(x.to_dense()) for x in parts])
    np.testing.assert_array_equal(whole.to_dense(), expected)
    check_canonical(whole)
    assert (whole.capacity, len(whole)) == (95, 8)
    count = int(whole.num_active)
    full = ops.concatenate_events(parts, capacity=count)
    assert full.mask.all()
    with pytest.raises(InputError, match=f"capacity is {count - 1} but there are {count} sites"):
        ops.concatenate_events(parts, capacity=count - 1)
    cut = jax.jit(functools.partial(ops.concatenate_events, capacity=count - 1))(parts)
    np.testing.assert_array_equal(cut.coords, full.coords[:-1])


def test_a_stack_has_a_mask_a_batch_whatever_its_shape():
    parts = [sparse_tensor([[0, i] for i in range(count)], np.ones((count, 1)), spatial_shape=(4,),
                           batch_size=1, capacity=2) for count in (0, 1)]  # fmt: skip
    stacked = ops.stack(parts)
    sites = jax.vmap(ops.Sites.of)(stacked)
    for mask in (stacked.mask, sites.mask):
        assert mask.tolist() == [[False, False], [True, False]]


def test_a_stack_of_batches_goes_through_vmap():
    parts = [batch(0, capacity=20), batch(1, capacity=25)]
    both = ops.stack(parts)
    assert (both.capacity, both.num_channels, both.shape) == (25, 2, (3, 4, 5, 2))
    np.testing.assert_array_equal(both.mask, [np.arange(25) < int(x.num_active) for x in parts])
    images, built = jax.jit(jax.vmap(lambda x: (x.to_dense(), geometry(x, levels=2))))(both)
    np.testing.assert_array_equal(images, [x.to_dense() for x in parts])
    assert [level.capacity for level in built.levels] == [25, 25]
    with pytest.raises(InputError, match=r"features has shape \(2, 25, 2\)"):
        both.to_dense()


def test_a_stack_is_taken_apart():
    x = sparse_tensor([[0, 1], [0, 3]], [[2.0], [3.0]], spatial_shape=(4,), batch_size=1)
    smaller = ops.concatenate_events([x[0]], capacity=3)
    stack = ops.stack([x, 10 * smaller])
    for given, back in zip((x, 10 * smaller), ops.unstack(stack), strict=True):
        assert back.capacity == 3
        np.testing.assert_array_equal(back.to_dense(), given.to_dense())
    with pytest.raises(InputError, match=r"stacked has coords of shape \(2, 2\): .* are x\[0\]"):
        ops.unstack(x)
    with pytest.raises(InputError, match=r"a stack of batches goes .* ops\.unstack takes it apart"):
        stack[0]


def test_batches_that_are_not_alike_are_named():
    x = batch()
    for other in (batch(shape=(4, 6)), batch(channels=3)):
        for join in (ops.stack, ops.concatenate_events):
            with pytest.raises(InputError, match=r"tensors\[1\] has shape, stride, channels"):
                join([x, other])
    with pytest.raises(InputError, match=r"tensors\[1\] has .* events"):
        ops.stack([x, batch(events=2)])
    with pytest.raises(InputError, match="tensors is empty"):
        ops.stack([])
    with pytest.raises(InputError, match=r"tensors\[0\] is a ndarray: must be a SparseTensor"):
        ops.stack([np.ones((3, 2))])  # type: ignore[list-item]
