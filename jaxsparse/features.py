"""What features may be: their types, and one row for each row of coordinates."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jaxsparse.errors import TRACED, InputError, kind_of

FEATURE_TYPES = ("float32", "bfloat16", "float16")


def check_features(dtype: DTypeLike, name: str = "features") -> DTypeLike:
    """The type, if features may have it: sums are float32, so a wider one would be rounded.

    Operations that compute with features, weights or other numbers ask. Those that only move rows,
    such as ``ops.prune`` and ``ops.take_rows``, take any type.

    Raises:
      InputError: any other type.

    >>> check_features("bfloat16")
    'bfloat16'
    """
    found = jnp.dtype(dtype).name
    if found not in FEATURE_TYPES:
        raise InputError(
            f"{name} has type {found}: must be one of {', '.join(FEATURE_TYPES)}, convert it first"
        )
    return dtype


def as_features(values: Any, name: str = "features") -> Any:
    """Numbers as what makes a tensor keeps them: of a type that features may have.

    float32, bfloat16 and float16 stay; wider floats, integers and booleans become float32, also
    where JAX has 64 bits (``jax_enable_x64``).

    Args:
      values: an array of JAX, which stays one, or anything that numpy makes an array of.
      name: for the error.

    Raises:
      InputError: no real numbers, or floats of fewer bits.

    >>> as_features([[1, 2]]).dtype, as_features(jnp.ones(1, jnp.bfloat16)).dtype
    (dtype('float32'), dtype(bfloat16))
    """
    given = values
    if not isinstance(values, jax.Array):
        given = host_array(name, values, f"pass one array, jnp.asarray({name})")
    kind, size = given.dtype.kind, given.dtype.itemsize
    if kind in "biu" or (kind == "f" and size > 4):
        given = given.astype(np.float32)  # here: JAX would make int32 of int64, wrapped
    check_features(given.dtype, name)
    return given


def host_array(name: str, values: Any, remedy: str) -> np.ndarray:
    """Numbers as an array of numpy.

    Raises:
      InputError: they are traced, so that nobody knows them.
    """
    try:
        return np.asarray(values)
    except (jax.errors.TracerArrayConversionError, jax.errors.ConcretizationTypeError):
        raise InputError(f"{name} {TRACED}: {remedy}") from None


def as_array(name: str, value: Any) -> Any:
    """``value``, if it is an array or numbers that one can be made of.

    Raises:
      InputError: a tensor, or anything else that is no array.

    >>> from jaxsparse import sparse_tensor
    >>> as_array("features", sparse_tensor([[0, 0]], [[1.0]], spatial_shape=(4,), batch_size=1))
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: features is a SparseTensor: must be an array [rows, channels], pass
    its .features
    """
    if hasattr(value, "dtype") and not hasattr(value, "features"):
        return value
    if isinstance(value, int | float | list | tuple):
        return value
    remedy = "pass its .features" if hasattr(value, "features") else "pass features"
    raise InputError(f"{name} is {kind_of(value)}: must be an array [rows, channels], {remedy}")


def check_rows(features: Any, rows: int, name: str = "features") -> None:
    """Refuses features that have not one row for each row of coordinates.

    Shapes are static: this costs nothing in a compiled program. Left alone, rows that are missing
    read as others, and one row counts as all of them.

    Args:
      features: an array, or its shape and type.
      rows: the capacity of the sites.
      name: for the error.

    Raises:
      InputError: another shape than ``[rows, channels]``.

    >>> check_rows(np.ones((3, 2)), 5)
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: features has shape (3, 2): must be [5, channels], a row for each of
    the 5 rows of coordinates, padding included
    """
    shape = np.shape(as_array(name, features))
    if len(shape) != 2 or shape[0] != rows:
        stack = "; a stack of batches goes through jax.vmap, ops.unstack takes it apart"
        remedy = stack if len(shape) > 2 else ""
        raise InputError(
            f"{name} has shape {shape}: must be [{rows}, channels], a row for each of the {rows} "
            f"rows of coordinates, padding included{remedy}"
        )


def check_coords(coords: Any) -> None:
    """Refuses coordinates that are no int32, for example converted with the features.

    Types are static: this costs nothing in a compiled program.

    Raises:
      InputError: another type.

    >>> check_coords(jnp.zeros((3, 2), jnp.bfloat16))
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: coords has type bfloat16: must be int32, convert features alone,
    x.replace(features=x.features.astype(...))
    """
    found = jnp.dtype(getattr(coords, "dtype", None)).name
    if found != "int32":
        raise InputError(
            f"coords has type {found}: must be int32, convert features alone, "
            "x.replace(features=x.features.astype(...))"
        )


def without_wide_floats(features: Any) -> Any:
    """Features of numpy or in lists with float32 in place of float64, as JAX takes them.

    Arrays of JAX, and of numpy of any other type, stay as they are.

    >>> without_wide_floats(np.ones((2, 1))).dtype
    dtype('float32')
    """
    if not isinstance(features, np.ndarray | list | tuple):
        return features
    given = host_array("features", features, "pass one array, jnp.asarray(features)")
    return given.astype(np.float32) if given.dtype == np.float64 else given


def check_channels(name: str, vector: Any, channels: int) -> None:
    """Refuses a vector that has not one number for each channel, or another type.

    Raises:
      InputError: another shape than ``[channels]``, or a type that features may not have.
    """
    if np.shape(vector) != (channels,):
        raise InputError(
            f"{name} has shape {np.shape(vector)}: must be [{channels}], one a channel"
        )
    check_features(jnp.result_type(vector), name)


def per_channel(vector: Any, features: Any) -> jax.Array:
    """A vector of one number a channel as float32, with as many axes as ``features``.

    JAX would add the axes by itself, but not under ``jax_numpy_rank_promotion="raise"``.

    >>> per_channel(np.ones(3), np.ones((5, 3))).shape
    (1, 3)
    """
    return jnp.expand_dims(jnp.asarray(vector, jnp.float32), range(np.ndim(features) - 1))
