"""``+ - * /`` of tensors, site by site, the same for sparse tensors and for whole images."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from jaxsparse.errors import InputError, kind_of

T = TypeVar("T", bound="Arithmetic")

# Of MinkowskiEngine and spconv.
_NAMES_ELSEWHERE = {
    "F": "features",
    "feats": "features",
    "decomposed_features": "features, of one event x[event].features",
    "decomposed_coordinates": "coords, of one event x[event].coords",
    "C": "coords",
    "D": "dim",
    "coordinates": "coords",
    "indices": "coords",
    "tensor_stride": "stride",
    "dense": "to_dense()",
    "replace_feature": "replace(features=...)",
}


_OPERATORS: dict[Any, Callable[[Any, Any], Any]] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
}


class Arithmetic:
    """Operators of a tensor and another one on the same sites, a number, or one number a channel.

    Two tensors have equally many channels: MinkowskiEngine and spconv would repeat a single one,
    which hides a forgotten layer.

    They need ``features``, ``mask`` (None where every place counts), ``replace(features=...)`` and
    ``check_same_sites(other)`` of a class. Where there is no site the result is zero.
    """

    features: Any
    replace: Callable[..., Any]
    check_same_sites: Callable[[Any], None]

    def __add__(self: T, other: Any) -> T:
        return _combined(operator.add, self, other)

    def __radd__(self: T, other: Any) -> T:
        return _combined(operator.add, self, other)

    def __sub__(self: T, other: Any) -> T:
        return _combined(operator.sub, self, other)

    def __rsub__(self: T, other: Any) -> T:
        return _combined(lambda a, b: b - a, self, other)

    def __mul__(self: T, other: Any) -> T:
        return _combined(operator.mul, self, other)

    def __rmul__(self: T, other: Any) -> T:
        return _combined(operator.mul, self, other)

    def __truediv__(self: T, other: Any) -> T:
        return _combined(operator.truediv, self, other)

    def __rtruediv__(self: T, other: Any) -> T:
        return _combined(lambda a, b: b / a, self, other)

    def __neg__(self: T) -> T:
        return self.replace(features=-self.features)

    def __array_ufunc__(self, function: Any, method: str, *operands: Any, **_: Any) -> Any:
        """Functions of numpy: ``+ - * /`` are those of the tensor, others are refused.

        Raises:
          InputError: another function, such as ``np.exp``.
        """
        if function in (np.equal, np.not_equal):
            return function is np.not_equal  # an array is no tensor
        if function not in _OPERATORS or method != "__call__":
            raise InputError(self._no_array())
        left, right = operands
        if left is self:
            return _combined(_OPERATORS[function], self, right)
        return _combined(lambda a, b: _OPERATORS[function](b, a), self, left)

    def _refused(self, *_: Any) -> Any:
        """Operators that arrays have and tensors not.

        Raises:
          InputError: always.
        """
        raise InputError(self._no_array())

    __matmul__ = __rmatmul__ = __pow__ = __rpow__ = __abs__ = _refused
    __mod__ = __rmod__ = __floordiv__ = __rfloordiv__ = _refused
    __lt__ = __le__ = __gt__ = __ge__ = _refused

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        """Refused: rows without their sites are a mistake more often than not.

        Raises:
          InputError: always.
        """
        raise InputError(self._no_array())

    def __jax_array__(self) -> _NoArray:
        """What functions of ``jax.numpy`` ask for: nothing that they can use."""
        return _NoArray(self._no_array())

    if not TYPE_CHECKING:  # to type checkers a missing attribute stays one

        def __getattr__(self, name: str) -> Any:
            """Says what to do instead of what arrays have, and what other libraries' names are."""
            if not name.startswith("_") and hasattr(jax.Array, name):
                raise AttributeError(f"{self._no_array()}; it has no {name}")
            missing = f"{type(self).__name__!r} object has no attribute {name!r}"
            if name in _NAMES_ELSEWHERE:
                missing += f": here it is .{_NAMES_ELSEWHERE[name]}"
            raise AttributeError(missing)

    def _no_array(self) -> str:
        return (
            f"a {type(self).__name__} is no array: give its .features to functions and "
            "layers of arrays, as in x.replace(features=jnp.tanh(x.features)), or take those of "
            "jaxsparse.nn, such as nn.activation(jnp.tanh) and nn.Dropout; .to_dense() makes a grid"
        )


class _NoArray:
    """In place of the array of a tensor: whoever looks at it gets the error.

    Not raised at once, because operators of JAX's arrays ask for an array too: ``array * x`` takes
    this, finds that it is none, and leaves the operation to the tensor.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def __getattr__(self, name: str) -> Any:
        raise InputError(self._text)

    def __repr__(self) -> str:  # JAX's own error prints what it was given
        raise InputError(self._text)


def _combined(function: Callable[[Any, Any], Any], x: Any, other: Any) -> Any:
    features = x.features
    if isinstance(other, Arithmetic):
        x.check_same_sites(other)
        values = other.features
        if features.shape[-1] != values.shape[-1]:
            raise InputError(
                f"one operand has {features.shape[-1]} channels and the other "
                f"{values.shape[-1]}: must be equal; to pair one channel with all, write "
                "x.replace(features=x.features * y.features)"
            )
        if function in (operator.add, operator.sub):
            return x.replace(features=function(features, values))  # zero where both are
    else:
        values = _numbers(other, features)
    if x.mask is None:
        return x.replace(features=function(features, values))
    # Ones where there is no site: zero by zero is no number, and so would be its gradient.
    mask = x.mask[..., None]
    one, zero = (jnp.asarray(number, features.dtype) for number in (1, 0))
    values = jnp.where(mask, values, one.astype(values.dtype))
    out = function(jnp.where(mask, features, one), values)
    return x.replace(features=jnp.where(mask, out, zero.astype(out.dtype)))


def _numbers(other: Any, features: Any) -> jax.Array:
    """A number, or one number a channel, of the type of the features and with their axes."""
    given = other if isinstance(other, jax.Array) else np.asarray(other)
    real = jnp.issubdtype(given.dtype, jnp.integer) or jnp.issubdtype(given.dtype, jnp.floating)
    if not real or given.shape not in ((), (features.shape[-1],)):
        raise InputError(
            f"the other operand is {kind_of(other)} of shape {given.shape}: must be a "
            f"tensor on the same sites, a number or {features.shape[-1]} numbers, one a channel; "
            "rows of features go in by replace(features=...)"
        )
    values = jnp.asarray(given, features.dtype)
    return jnp.expand_dims(values, range(features.ndim - 1)) if given.shape else values
