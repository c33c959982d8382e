"""A state dict of a peer into the variables of a network, checked to the last array."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from flax import core, traverse_util

from jaxsparse.errors import InputError
from jaxsparse.importers.rules import LayerRule, Target


def import_state_dict(
    state: Mapping[str, Any],
    variables: dict[str, Any] | core.FrozenDict[str, Any],
    rules: Mapping[str, LayerRule],
    *,
    ignore: Sequence[str] = (),
) -> dict[str, Any]:
    """The variables of our network with the weights of theirs.

    Every array of the state dict must be used and every variable be filled: what a rule forgets is
    an error, never a random number.

    Args:
      state: names to arrays, as ``state_dict()`` of the peer's network gives them; tensors of
        PyTorch that lie on the CPU are arrays too.
      variables: the tree of our network, from ``init`` or ``jax.eval_shape`` of it: says the
        shapes and types.
      rules: by the name of the peer's layer, as it stands in the state dict before the array's
        own name: ``{"block1.norm1.bn": batch_norm("encoder/first/norm")}``.
      ignore: layers and arrays of the peer that are left out on purpose.

    Returns:
      A tree like ``variables``, of numpy arrays. A step of training that is given them compiles
        once, but ``_cache_size()`` counts numpy's and JAX's arrays apart: make them JAX's with
        ``jax.tree.map(jnp.asarray, ...)`` if you watch it.

    Raises:
      InputError: an array that no rule uses, a variable that no array fills, or two do, a shape
        that does not fit, a number that is NaN or infinite, a rule for a layer that is not there.

    >>> import jax
    >>> from jaxsparse import nn, sparse_tensor
    >>> from jaxsparse.importers import linear
    >>> x = sparse_tensor([[0, 1]], [[1.0, 2.0]], spatial_shape=(4,), batch_size=1)
    >>> network = nn.Linear(features=1)
    >>> shapes = jax.eval_shape(network.init, jax.random.key(0), x)
    >>> state = {"head.weight": np.array([[3.0, 4.0]]), "head.bias": np.array([5.0])}
    >>> variables = import_state_dict(state, shapes, {"head": linear("")})
    >>> network.apply(variables, x).features.tolist()
    [[16.0]]
    """
    wanted = traverse_util.flatten_dict(core.unfreeze(variables), sep="/")
    used: set[str] = set()
    filled: dict[str, str] = {}
    arrays: dict[str, np.ndarray] = {}
    for layer, rule in rules.items():
        names = _names_of(layer, state)
        if not names:
            raise InputError(
                f"rules has layer {layer!r}: no array of the state dict is called "
                f"{layer!r} and a name after a dot{_similar(layer, _layers(state))}"
            )
        for name, own in names.items():
            if own in rule.ignored:
                used.add(name)
            elif own in rule.targets:
                used.add(name)
                target = rule.targets[own]
                key = _variable(rule, target)
                if key in filled:
                    raise InputError(
                        f"{name} and {filled[key]} both go to {key}: give each a layer of its own"
                    )
                filled[key] = name
                arrays[key] = _converted(name, state[name], target, key, wanted)
    left = [n for n in state if n not in used and not any(_is_within(n, i) for i in ignore)]
    if left:
        raise InputError(
            f"the state dict has {_list(left)} that no rule uses{_meant(left, state, rules)}: add "
            "a rule for the layer, correct the name, or name it in ignore"
        )
    missing = [key for key in wanted if key not in filled]
    if missing:
        expected = _expected(rules)
        absent = [expected[key] for key in missing if key in expected]
        if absent:
            remedy = f"the rules take it from {_list(absent)}, which the state dict has not"
        else:
            remedy = "add a rule for the layer, or make the network without it"
        raise InputError(f"variables has {_list(missing)} that no array fills: {remedy}")
    return traverse_util.unflatten_dict(arrays, sep="/")


def _converted(
    name: str, value: Any, target: Target, key: str, wanted: Mapping[str, Any]
) -> np.ndarray:
    given = np.asarray(value)
    if key not in wanted:
        layer = key.rpartition("/")[0]
        there = [own for own in wanted if own.rpartition("/")[0] == layer]
        if there and target.name != "bias":
            names = _list([own.rpartition("/")[2] for own in there])
            dense = target.name == "weights" and f"{layer}/kernel" in there
            other = "flax_dense, as it is a flax.linen.Dense" if dense else "that of this layer"
            raise InputError(
                f"{name} goes to {key}: {layer} has {names} instead, take another rule, {other}"
            )
        raise InputError(
            f"{name} goes to {key}: variables has no such array{_similar(key, list(wanted))}, "
            "correct the path or the options of the layer (use_bias)"
        )
    if not np.isfinite(given).all():
        count = int((~np.isfinite(given)).sum())
        raise InputError(
            f"{name} has {count} of {given.size} numbers that are NaN or infinite: must be finite, "
            "take weights from before the training failed"
        )
    try:
        array = target.convert(given)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    if array.shape != wanted[key].shape:
        as_here = "" if array.shape == given.shape else f" and makes {array.shape}"
        if array.shape == (1, *wanted[key].shape):
            raise InputError(
                f"{name} has shape {given.shape}, a kernel of one tap, and {key} has "
                f"{wanted[key].shape}: take minkowski_pointwise or spconv_pointwise"
            )
        fits = [other for other in wanted if wanted[other].shape == array.shape and
                other.rpartition("/")[2] == target.name]  # fmt: skip
        others = f" ({_list(fits)} would fit)" if fits else ""
        raise InputError(
            f"{name} has shape {given.shape}{as_here}: {key} must be {wanted[key].shape}, correct "
            f"the path of the rule{others} or make the network of the same size"
        )
    return array.astype(wanted[key].dtype)


def _variable(rule: LayerRule, target: Target) -> str:
    """The name of what an array goes to."""
    return "/".join(filter(None, (target.collection, rule.path, target.name)))


def _expected(rules: Mapping[str, LayerRule]) -> dict[str, str]:
    """By variable the name of the array that a rule fills it with."""
    return {
        _variable(rule, target): f"{layer}.{own}" if layer else own
        for layer, rule in rules.items()
        for own, target in rule.targets.items()
    }


def _names_of(layer: str, state: Mapping[str, Any]) -> dict[str, str]:
    """Arrays directly in a layer: full name to own name."""
    start = f"{layer}." if layer else ""
    own = {name: name.removeprefix(start) for name in state if name.startswith(start)}
    return {name: last for name, last in own.items() if "." not in last}


def _layers(state: Mapping[str, Any]) -> list[str]:
    return sorted({name.rpartition(".")[0] for name in state})


def _is_within(name: str, layer: str) -> bool:
    return name == layer or name.startswith(f"{layer}.")


def _meant(left: Sequence[str], state: Mapping[str, Any], rules: Mapping[str, LayerRule]) -> str:
    """The first of the names that a rule of the same layer misses and that is written alike."""
    for name in left:
        layer, _, own = name.rpartition(".")
        missed = _expected({layer: rules[layer]}).values() if layer in rules else ()
        names = {one.rpartition(".")[2]: one for one in missed if one not in state}
        if close := difflib.get_close_matches(own, names, n=1):
            return f" (is it {names[close[0]]}?)"
    return ""


def _similar(name: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f" (is it {close[0]}?)" if close else ""


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"
