"""What a function of somebody else's is given on rows that hold no site.

Whatever it returns there is thrown away, but its derivative is not: zero times the infinite slope
of ``sqrt`` or ``log`` at the zero of a padding row is NaN, in the gradient of every parameter that
the function holds. So padding gets the numbers of a site, where the function must have a derivative
anyway.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def fill_padding(
    features: Float[Array, "sites channels"], num_active: Int[Array, ""], *, no_site: float = 0.5
) -> Float[Array, "sites channels"]:
    """``features`` with the first row, a site, in place of the rows behind ``num_active``.

    The gradient of those rows is zero. Where there is no site at all they are ``no_site``: neither
    zero nor one, where log, sqrt, arccos and a division have no derivative.

    >>> fill_padding(jnp.array([[4.0], [2.0], [0.0]]), jnp.int32(2)).tolist()
    [[4.0], [2.0], [4.0]]
    """
    if not features.shape[0]:
        return features
    active = jnp.arange(features.shape[0], dtype=jnp.int32) < num_active
    first = jnp.where(num_active > 0, features[:1], jnp.asarray(no_site, features.dtype))
    return jnp.where(active[:, None], features, jax.lax.stop_gradient(first))
