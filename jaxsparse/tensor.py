"""The padded coordinate list that everything else works on."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxsparse.arithmetic import Arithmetic
from jaxsparse.errors import TRACED, InputError, check_kind
from jaxsparse.features import check_coords, check_rows, without_wide_floats
from jaxsparse.integers import integer
from jaxsparse.origins import derived
from jaxsparse.pytree import pytree
from jaxsparse.same_sites import TO_ONE_LEVEL, check_same_sites


@pytree
@dataclasses.dataclass(frozen=True)
class SparseTensor(Arithmetic):
    """A batch of events as one padded list of active sites, a pytree with static shapes.

    One compiled program serves every batch of the same capacity. The invariants below hold for
    every tensor that the library makes, and the operations rely on them, except for the second:

    1. Rows ``[0, num_active)`` of ``coords`` are the active sites: event index first, then one
       integer per axis; unique, in lexicographic order. Every later row is padding, all -1.
    2. Padding rows of ``features`` are exactly zero; after :meth:`replace` they hold what it got.
    3. Coordinates and ``spatial_shape`` count **units of this tensor's level**: a tensor that was
       strided by 2 once has half the shape of its source, ``ceil(n / 2)``, and coordinates
       ``x >> 1``. ``stride`` says how many finest pixels one unit spans along each axis; it is the
       only place where finest pixels appear. Multiply by it to go back, as in
       ``coords[:, 1:] * stride``.
    4. ``0 <= coords[:, 0] < batch_size`` and ``0 <= coords[:, 1 + a] < spatial_shape[a]``.
    5. No active site, and no gradient at one, depends on what a padding row holds.
    6. An event without sites, a batch without sites, and a list without padding are all legal.

    The order makes every result independent of the order of the input rows. The constructor checks
    nothing, not even the order: make tensors with :func:`jaxsparse.sparse_tensor`, which sorts.
    Within ``jaxsparse.checking_sites()`` a geometry refuses sites that are out of order.

    ``x + y``, ``-``, ``*`` and ``/`` combine tensors on the same sites, or a tensor and a number or
    one number a channel; ``x[event]``, ``x[1:3]`` and ``for event in x`` are batches of some
    events. ``jax.tree.map(jnp.stack, ...)`` of tensors, or ``ops.stack``, gives one whose arrays
    have a leading axis, for ``jax.vmap``.

    Attributes:
      coords: int32 ``[capacity, 1 + D]``, event index and level coordinates.
      features: ``[capacity, channels]``, float32, bfloat16 or float16, one row a site.
      num_active: int32 scalar, how many rows are sites.
      spatial_shape: length of every axis in level units (static).
      batch_size: number of events, including those without sites (static).
      stride: finest pixels per unit and axis (static).

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 2, 1], [0, 0, 3]], [[5.0], [7.0]], spatial_shape=(4, 4),
    ...                   batch_size=1)
    >>> x.coords.tolist(), x.features.tolist(), x.capacity, x.dim
    ([[0, 0, 3], [0, 2, 1]], [[7.0], [5.0]], 2, 2)
    >>> x + 2 * x
    SparseTensor(coords=int32[2,3], features=float32[2,1], num_active=2, spatial_shape=(4, 4),
    batch_size=1, stride=(1, 1))
    """

    coords: Int[Array, "sites axes"]
    features: Float[Array, "sites channels"]
    num_active: Int[Array, ""]
    spatial_shape: tuple[int, ...] = dataclasses.field(metadata={"static": True})
    batch_size: int = dataclasses.field(metadata={"static": True})
    stride: tuple[int, ...] = dataclasses.field(metadata={"static": True})

    @property
    def capacity(self) -> int:
        """Number of rows, padding included."""
        return self.coords.shape[-2]

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the dense array, ``(batch_size, *spatial_shape, channels)``."""
        return (self.batch_size, *self.spatial_shape, self.num_channels)

    @property
    def dtype(self) -> jnp.dtype:
        """Type of the features."""
        return self.features.dtype

    @property
    def dim(self) -> int:
        """Number of spatial axes."""
        return len(self.spatial_shape)

    @property
    def num_channels(self) -> int:
        """Number of features of a site."""
        return self.features.shape[-1]

    @property
    def mask(self) -> Bool[Array, "*stack sites"]:
        """True on the rows that are sites."""
        rows, stack = jnp.arange(self.capacity, dtype=jnp.int32), jnp.ndim(self.num_active)
        if not stack:
            return rows < self.num_active
        return jnp.expand_dims(rows, range(stack)) < self.num_active[..., None]

    def __len__(self) -> int:
        """Number of events, those without sites included."""
        return self.batch_size

    def __getitem__(self, events: int | slice) -> SparseTensor:
        """A batch of one event, or of consecutive ones; traceable, of the same capacity.

        Events are counted anew, from 0.

        Raises:
          IndexError: no such event; a loop over the events ends so.
          InputError: no integer or slice of step 1, or no event in it.

        >>> from jaxsparse import sparse_tensor
        >>> x = sparse_tensor([[0, 2], [2, 1], [2, 3]], [[5.0], [7.0], [8.0]], spatial_shape=(4,),
        ...                   batch_size=3)
        >>> x[2].coords.tolist(), [int(event.num_active) for event in x]
        ([[0, 1], [0, 3], [-1, -1]], [1, 0, 2])
        """
        self.check()
        start, stop = _range_of(events, self.batch_size)
        event = jnp.where(self.mask, self.coords[:, 0], self.batch_size)
        before, within = (jnp.sum(event < n, dtype=jnp.int32) for n in (start, stop))
        rows = jnp.arange(self.capacity, dtype=jnp.int32)
        kept = (rows < within - before)[:, None]
        first = jnp.array([[start, *[0] * self.dim]], jnp.int32)
        coords = jnp.roll(self.coords, -before, axis=0) - first
        features = jnp.roll(self.features, -before, axis=0)
        return dataclasses.replace(
            self,
            coords=derived(jnp.where(kept, coords, -1), f"of events {start} to {stop - 1}",
                           self.coords),
            features=jnp.where(kept, features, jnp.zeros((), features.dtype)),
            num_active=within - before,
            batch_size=stop - start,
        )  # fmt: skip

    def replace(self, features: Float[Array | np.ndarray, "sites channels"]) -> SparseTensor:
        """The same sites with other features.

        Padding rows may hold anything, NaN too. Operations that read neighbours, sum, normalise or
        move rows leave them out, also of gradients; those that look at one row, such as ``x + y``
        and ``nn.relu``, may hand them on. Sums of your own leave them out with :attr:`mask`.
        ``nn.activation(function)`` keeps padding zero; take it where a function has no derivative
        at zero, as ``log``: the gradient of what it was computed from would be NaN.

        Args:
          features: ``[capacity, channels]``, of any type that features may have; float64 of numpy
            becomes float32. ``x.replace(features=x.features.astype(jnp.bfloat16))`` converts a
            tensor.

        Raises:
          InputError: features that have not one row for each row of ``coords``.

        >>> from jaxsparse import sparse_tensor
        >>> x = sparse_tensor([[0, 1]], [[0.0]], spatial_shape=(3,), batch_size=1, capacity=2)
        >>> y = x.replace(features=jnp.cos(x.features))
        >>> y.features.tolist(), y.to_dense().tolist()
        ([[1.0], [1.0]], [[[0.0], [1.0], [0.0]]])
        >>> float(jnp.sum(y.features, where=y.mask[:, None]))
        1.0
        """
        new = dataclasses.replace(self, features=without_wide_floats(features))
        new.check()
        return new

    def check_same_sites(self, other: object) -> None:
        """Refuses a tensor on other sites, as far as :mod:`jaxsparse.same_sites` can tell.

        Raises:
          InputError: other sites, or no SparseTensor.
        """
        check_kind("y", other, SparseTensor, remedy="as x is")
        assert isinstance(other, SparseTensor)
        self.check("features of x")
        other.check("features of y")
        remedy = "bring both to the same sites, with ops.union or ops.intersection"
        if self.stride != other.stride:
            remedy = TO_ONE_LEVEL
        check_same_sites(self, other, "y has", remedy)

    def check(self, name: str = "features") -> None:
        """Refuses features that have not one row for each row of ``coords``, and other types of it.

        ``replace`` sees to it; ``dataclasses.replace`` and the constructor, which JAX calls too,
        do not. Operations ask before they read.

        Raises:
          InputError: another number of rows, coordinates that are no int32.
        """
        check_coords(self.coords)
        check_rows(self.features, self.capacity, name)

    def to_dense(self) -> Float[Array, "events ..."]:
        """The features on their grid, ``[batch_size, *spatial_shape, channels]``, zero elsewhere.

        Traceable. The result holds ``batch_size * prod(spatial_shape) * channels`` numbers: meant
        for small volumes and for comparison.

        Raises:
          InputError: another number of rows of features than of coordinates.
        """
        self.check()
        grid = jnp.zeros(
            (self.batch_size, *self.spatial_shape, self.num_channels),
            jnp.result_type(self.features),
        )
        # A negative index would wrap: padding goes to an event that does not exist, and is dropped.
        event = jnp.where(self.mask, self.coords[:, 0], self.batch_size)
        axes = [self.coords[:, 1 + axis] for axis in range(self.dim)]
        return grid.at[(event, *axes)].set(self.features, mode="drop")


def check_room(count: Int[Array, ""] | int, capacity: int, there_are: str = "there are") -> None:
    """Refuses more sites than there are rows; under ``jit``, where nobody can count them, never.

    Args:
      count: of the sites.
      capacity: rows for them.
      there_are: how the error speaks of the sites.

    Raises:
      InputError: they do not fit.

    >>> check_room(3, 2, "the union has")
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: capacity is 2 but the union has 3 sites: raise capacity
    """
    if not isinstance(count, jax.core.Tracer) and int(count) > capacity:
        raise InputError(
            f"capacity is {capacity} but {there_are} {int(count)} sites: raise capacity"
        )


def check_tensor(x: object, name: str = "x") -> None:
    """Refuses what is no SparseTensor, and one whose features have not a row for each site.

    Raises:
      InputError: it is not.

    >>> check_tensor(jnp.ones((3, 2)))
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: x is a jax.Array: must be a SparseTensor, make one with
    jaxsparse.sparse_tensor or put features on sites with .replace(features=...)
    """
    remedy = (
        "make one with jaxsparse.sparse_tensor or put features on sites with .replace(features=...)"
    )
    check_kind(name, x, SparseTensor, remedy=remedy)
    assert isinstance(x, SparseTensor)
    x.check()


def _range_of(events: object, batch_size: int) -> tuple[int, int]:
    """First event, and one past the last."""
    if isinstance(events, slice):
        start, stop, step = events.indices(batch_size)
        if step != 1 or stop <= start:
            raise InputError(
                f"events are {start}:{stop}:{step} of {batch_size}: must be one or more in a row"
            )
        return start, stop
    if isinstance(events, jax.core.Tracer):
        raise InputError(
            f"event {TRACED}: must be known before; to map over events, "
            "give jax.vmap the ops.stack of them"
        )
    if isinstance(events, tuple):
        raise InputError(
            f"x[...] has {len(events)} indices: must be one, an event or a slice of events; rows "
            "and channels are those of x.features[...]"
        )
    number = integer("event", events)  # type: ignore[arg-type]
    if not -batch_size <= number < batch_size:
        raise IndexError(f"event is {number}: must be from 0 to {batch_size - 1}")
    return number % batch_size, number % batch_size + 1
