"""The sparse convolution: two bilinear primitives that are each other's derivatives.

``apply(map, x, w)`` is linear in the features and in the weights, and so is
``weight_gradient(map, x, g)``; the transposes of either are again these two, over the map or its
transpose:

    apply            by x: apply(map^T, g, w^T)        by w: weight_gradient(map, x, g)
    weight_gradient  by x: apply(map^T, g, w^T)        by g: apply(map, x, w)

where ``w^T`` exchanges input and output channels of every tap (within every group of channels). A
primitive with its own rules, and not ``custom_vjp``, is what lets forward mode, gradients of
gradients, vmap, remat, pmap, shard_map and export pass through a loop whose trip count depends on
the data. How either is computed is the business of the data flows in ``implementations.py``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching
from jaxtyping import Array, Float

from jaxsparse.errors import InputError
from jaxsparse.features import as_array, check_channels, check_features
from jaxsparse.ops import implementations
from jaxsparse.ops.connection import Connection, check_connection
from jaxsparse.ops.int32 import row_count
from jaxsparse.ops.kernel_map import KernelMap, identity_map
from jaxsparse.ops.manual_axes import refuse_varying
from jaxsparse.ops.primitive import compile_when_called, lower_by_platform
from jaxsparse.tensor import SparseTensor, check_tensor


def convolution(
    x: SparseTensor,
    weights: Float[Array, " taps in out"],
    connection: Connection,
    *,
    bias: Float[Array, " out"] | None = None,
    groups: int = 1,
    compute_dtype: Any = None,
    implementation: str = "auto",
) -> SparseTensor:
    """Sparse convolution, ``out[o] = sum_k in[in(o, k)] . weights[k] + bias``.

    The connection says which: submanifold, strided, the way back of either
    (``connection.transpose()``), onto sites that are given or new. Differentiable in features,
    weights and bias, any number of times, in both modes.

    Args:
      x: on the sites that the connection reads; features float32, bfloat16 or float16.
      weights: ``[taps, in, out]``, taps with the last axis fastest, of a type that features may
        have. The transpose of a dense kernel is not taken: this is a cross-correlation, as
        everywhere in deep learning. With groups ``[taps, in / groups, out]``, as the dense
        kernel of a grouped convolution.
      connection: for example ``submanifold_connection(x, hypercube(3, 2))``.
      bias: ``[out]``, added to active rows only.
      groups: equal parts of the channels that do not see each other: output channel ``j`` reads
        those of part ``j // (out / groups)``. As many as input channels: channelwise.
      compute_dtype: type of the factors of the matrix products, for example ``bfloat16``; None
        takes the type of the features. Sums are float32 whatever it is.
      implementation: ``"auto"`` or one of the equal data flows: ``"native"`` (CPU alone),
        ``"windows"`` (of XLA's the best on CPU), ``"table"``; with groups ``"native"`` (a
        channel a group) and ``"scan"``. ``jax.export`` alone leaves native
        kernels out, ``jaxsparse.export_program`` does not.

    Returns:
      On the sites that the connection makes, of the type of ``x``; padding rows are zero.

    Raises:
      InputError: a tensor on other sites than the connection's, shapes that do not belong
        together, an unknown implementation or one that does not serve, features, weights, a bias
        or a compute type of another type.

    Source: agrees with ``jax.lax.conv_general_dilated`` at the active sites (tests); submanifold
    convolution is Graham and van der Maaten, arXiv:1706.01307.

    >>> from jaxsparse import sparse_tensor
    >>> from jaxsparse.ops import hypercube, submanifold_connection
    >>> x = sparse_tensor([[0, 0], [0, 1], [0, 3]], [[1.0], [2.0], [4.0]], spatial_shape=(4,),
    ...                   batch_size=1)
    >>> near = submanifold_connection(x, hypercube(3, 1))
    >>> convolution(x, jnp.array([[[1.0]], [[10.0]], [[100.0]]]), near).features.tolist()
    [[210.0], [21.0], [40.0]]
    """
    check_connection(connection)
    connection.check_source(x)
    check_features(x.features.dtype)
    out = convolve_rows(
        x.features,
        weights,
        connection.kernel_map,
        bias=bias,
        groups=groups,
        compute_dtype=compute_dtype,
        implementation=implementation,
    )
    return connection.target.tensor(out)


def linear(
    x: SparseTensor,
    weights: Float[Array, "in out"],
    *,
    bias: Float[Array, " out"] | None = None,
    compute_dtype: Any = None,
    implementation: str = "auto",
) -> SparseTensor:
    """``out = in . weights + bias`` at every site: a convolution of kernel 1.

    Args, errors: as of :func:`convolution`, which says what sums and types are, with one matrix
    ``[in, out]`` for weights.

    Returns:
      On the sites of ``x``, of its type; padding rows are zero.

    >>> from jaxsparse import sparse_tensor
    >>> x = sparse_tensor([[0, 0], [0, 3]], [[1.0], [2.0]], spatial_shape=(4,), batch_size=1)
    >>> linear(x, jnp.array([[1.0, 10.0]]), bias=jnp.array([0.5, 0.0])).features.tolist()
    [[1.5, 10.0], [2.5, 20.0]]
    """
    check_tensor(x)
    check_features(x.features.dtype)
    weights = jnp.asarray(as_array("weights", weights))
    if weights.ndim != 2:
        raise InputError(f"weights has shape {weights.shape}: must be [in, out]")
    out = convolve_rows(
        x.features,
        weights[None],
        identity_map(row_count("num_active", x.num_active, x.capacity), x.capacity),
        bias=bias,
        compute_dtype=compute_dtype,
        implementation=implementation,
    )
    return x.replace(out)


def convolve_rows(
    features: Float[Array, "sites in"],
    weights: Float[Array, " taps in out"],
    kernel_map: KernelMap,
    *,
    bias: Float[Array, " out"] | None = None,
    groups: int = 1,
    compute_dtype: Any = None,
    implementation: str = "auto",
) -> Float[Array, "rows out"]:
    """``convolution`` of bare features: ``[capacity_in, in]`` to ``[capacity_out, out]``.

    Args, errors: as for ``convolution``, with a map in place of sites; padding rows of the
    features are zero, and so are those of the result.
    """
    features, weights = (
        jnp.asarray(as_array(name, value))
        for name, value in (("features", features), ("weights", weights))
    )
    check_features(features.dtype)
    compute_dtype = features.dtype if compute_dtype is None else compute_dtype
    check_features(compute_dtype, "compute_dtype")
    check_features(weights.dtype, "weights")
    implementations.check_name(_operation("convolution", groups), implementation)
    if weights.ndim != 3 or weights.shape[0] != kernel_map.taps:
        raise InputError(
            f"weights has shape {weights.shape}: must be [{kernel_map.taps} taps, in, out]"
        )
    if groups < 1 or weights.shape[2] % groups:
        raise InputError(
            f"groups is {groups}: must be a divisor of {weights.shape[2]} output channels"
        )
    expected = (kernel_map.capacity_in, weights.shape[1] * groups)
    if features.shape != expected:
        reads = f"weights of shape {weights.shape} read {weights.shape[1]} channels"
        if groups > 1:
            reads += f" in each of {groups} groups, [taps, in / groups, out]"
        raise InputError(f"features has shape {features.shape}: must be {expected}, since {reads}")
    channels_out = weights.shape[2]
    if bias is not None:
        check_channels("bias", bias, channels_out)
    if groups > 1:
        taps, channels, out = weights.shape
        weights = weights.reshape(taps, channels, groups, out // groups).swapaxes(1, 2)
    leaves, treedef = jax.tree_util.tree_flatten(kernel_map)
    result = apply_p.bind(
        *leaves,
        features,
        weights,
        treedef=treedef,
        compute_dtype=jnp.dtype(compute_dtype),
        out_dtype=jnp.dtype(features.dtype),
        implementation=implementation,
        groups=groups,
    )
    if bias is not None:
        active = jnp.arange(kernel_map.capacity_out, dtype=jnp.int32) < kernel_map.num_out
        result = result + jnp.where(active[:, None], jnp.asarray(bias, result.dtype)[None], 0)
    return result


apply_p = Primitive("sparse_convolution")
weight_gradient_p = Primitive("sparse_convolution_weight_gradient")


def _map_of(operands: Sequence[Any], treedef: Any) -> tuple[KernelMap, Any, Any]:
    *leaves, first, second = operands
    return jax.tree_util.tree_unflatten(treedef, leaves), first, second


def _compute(
    *operands: Any,
    rule: Callable[..., Array],
    treedef: Any,
    out_dtype: Any,
    **params: Any,
) -> Array:
    kernel_map, x, other = _map_of(operands, treedef)
    return rule(kernel_map, x, other, **params).astype(out_dtype)


def _apply(
    kernel_map: KernelMap, x: Any, w: Any, *, compute_dtype: Any, groups: int, **where: Any
) -> Array:
    return _chosen("convolution", groups, (kernel_map, x, w, compute_dtype), **where)


def _weight_gradient(
    kernel_map: KernelMap, x: Any, g: Any, *, compute_dtype: Any, groups: int, **where: Any
) -> Array:
    name = "convolution_weight_gradient"
    if groups > 1:
        return _chosen(name, groups, (kernel_map, x, g, compute_dtype, groups), **where)
    if kernel_map.expands:  # sums over the smaller side
        swapped = _chosen(name, groups, (kernel_map.transpose(), g, x, compute_dtype), **where)
        return jnp.swapaxes(swapped, 1, 2)
    return _chosen(name, groups, (kernel_map, x, g, compute_dtype), **where)


def _chosen(
    name: str,
    groups: int,
    operands: tuple[Any, ...],
    *,
    implementation: str,
    platform: str,
    portable: bool,
) -> Array:
    flow = implementations.choose(
        _operation(name, groups), implementation, platform, portable, operands
    )
    return flow(*operands)


def _operation(name: str, groups: int) -> str:
    return name if groups == 1 else f"grouped_{name}"


@apply_p.def_abstract_eval
def _apply_shape(*avals: Any, treedef: Any, out_dtype: Any, groups: int, **_: Any) -> Any:
    refuse_varying(avals)
    kernel_map, _x, w = _map_of(avals, treedef)
    return jax.core.ShapedArray((kernel_map.capacity_out, groups * w.shape[-1]), out_dtype)


@weight_gradient_p.def_abstract_eval
def _weight_gradient_shape(*avals: Any, treedef: Any, out_dtype: Any, groups: int, **_: Any) -> Any:
    refuse_varying(avals)
    kernel_map, x, g = _map_of(avals, treedef)
    split = () if groups == 1 else (groups,)
    shape = (kernel_map.taps, *split, x.shape[1] // groups, g.shape[1] // groups)
    return jax.core.ShapedArray(shape, out_dtype)


def _transposed_leaves(leaves: Sequence[Any], treedef: Any) -> tuple[list[Any], Any]:
    """Leaves and structure of the transposed map."""
    return jax.tree_util.tree_flatten(jax.tree_util.tree_unflatten(treedef, leaves).transpose())


def _exchange(w: Array) -> Array:
    """``w^T``: input and output channels of every tap exchanged."""
    return jnp.swapaxes(w, -1, -2)


def _bilinear_jvp(
    primitive: Any, primals: Sequence[Any], tangents: Sequence[Any], **params: Any
) -> tuple[Any, Any]:
    *leaves, first, second = primals
    d_first, d_second = tangents[-2:]
    out = primitive.bind(*primals, **params)
    terms = []
    if type(d_first) is not ad.Zero:
        terms.append(primitive.bind(*leaves, d_first, second, **params))
    if type(d_second) is not ad.Zero:
        terms.append(primitive.bind(*leaves, first, d_second, **params))
    if not terms:
        return out, jnp.zeros_like(out)
    return out, functools.reduce(ad.add_jaxvals, terms)


def _bilinear_transpose(
    cotangent: Any,
    *operands: Any,
    by_first: Callable[..., Any],
    by_second: Callable[..., Any],
    **params: Any,
) -> list[Any]:
    """Transposes by whichever factor is linear; the rules take (cotangent, map, other factor)."""
    *leaves, first, second = operands
    wanted, other, rule = (
        (first, second, by_first) if ad.is_undefined_primal(first) else (second, first, by_second)
    )
    if type(cotangent) is ad.Zero:
        gradient: Any = ad.Zero(wanted.aval)
    else:
        gradient = rule(cotangent, leaves, other, **{**params, "out_dtype": wanted.aval.dtype})
    pair = [gradient, None] if wanted is first else [None, gradient]
    return [None] * len(leaves) + pair


def _apply_by_features(cotangent: Any, leaves: Any, w: Any, *, treedef: Any, **params: Any) -> Any:
    back, back_def = _transposed_leaves(leaves, treedef)
    return apply_p.bind(*back, cotangent, _exchange(w), treedef=back_def, **params)


def _apply_by_weights(cotangent: Any, leaves: Any, x: Any, **params: Any) -> Any:
    return weight_gradient_p.bind(*leaves, x, cotangent, **params)


def _weight_gradient_by_features(cotangent: Any, leaves: Any, g: Any, **params: Any) -> Any:
    return _apply_by_features(g, leaves, cotangent, **params)  # the cotangent is that of weights


def _weight_gradient_by_gradients(cotangent: Any, leaves: Any, x: Any, **params: Any) -> Any:
    return apply_p.bind(*leaves, x, cotangent, **params)


def _batch(
    primitive: Any, operands: Sequence[Any], axes: Sequence[Any], **params: Any
) -> tuple[Any, int]:
    """vmap. Weights (or output gradients) alone fold into the channels; all else is a loop."""
    *leaves, first, second = operands
    if params["groups"] == 1 and all(axis is None for axis in axes[:-1]):
        folded = jnp.moveaxis(second, axes[-1], -2)
        batch, channels = folded.shape[-2:]
        folded = folded.reshape(*folded.shape[:-2], batch * channels)
        out = primitive.bind(*leaves, first, folded, **params)
        return jnp.moveaxis(out.reshape(*out.shape[:-1], batch, channels), -2, 0), 0
    moved = [
        None if axis is None else jnp.moveaxis(operand, axis, 0)
        for operand, axis in zip(operands, axes, strict=True)
    ]

    def one(batched: list[Any]) -> Any:
        filled = [
            fixed if member is None else member
            for fixed, member in zip(operands, batched, strict=True)
        ]
        return primitive.bind(*filled, **params)

    return jax.lax.map(one, moved), 0


def _define(primitive: Any, rule: Any, by_first: Any, by_second: Any) -> None:
    compile_when_called(primitive)
    lower_by_platform(primitive, functools.partial(_compute, rule=rule))
    ad.primitive_jvps[primitive] = functools.partial(_bilinear_jvp, primitive)
    ad.primitive_transposes[primitive] = functools.partial(
        _bilinear_transpose, by_first=by_first, by_second=by_second
    )
    batching.primitive_batchers[primitive] = functools.partial(_batch, primitive)


_define(apply_p, _apply, _apply_by_features, _apply_by_weights)
_define(
    weight_gradient_p,
    _weight_gradient,
    _weight_gradient_by_features,
    _weight_gradient_by_gradients,
)
