"""Kernels of the peers against their documented order and against recorded results of spconv."""

import dataclasses
import functools
import itertools
import json
from pathlib import Path
from typing import Any

import flax.linen
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsparse import InputError, importers, nn, ops, sparse_tensor
from tests.random_views import random_cells

SPCONV = json.loads((Path(__file__).parent / "spconv_case.json").read_text())
REGION = ops.hypercube((2, 3), 2, padding=(0, 1))


def minkowski_offsets(kernel_size):
    """Offsets of taps 0, 1, ... as MinkowskiEngine documents them: first axis fastest."""
    axes = [range(-(k // 2), k // 2 + 1) if k % 2 else range(k) for k in kernel_size]
    return [tuple(reversed(offset)) for offset in itertools.product(*reversed(axes))]


@pytest.mark.parametrize("size", [(3,), (3, 2), (2, 3, 5), (2, 1, 3, 2)])
def test_a_tap_of_minkowski_keeps_its_offset(size):
    theirs = minkowski_offsets(size)
    kernel = np.random.default_rng(0).normal(size=(len(theirs), 2, 3))
    ours = importers.minkowski_kernel(kernel, size)
    for offset, weights in zip(ops.hypercube(size, len(size)).offsets, ours, strict=True):
        np.testing.assert_array_equal(weights, kernel[theirs.index(offset)])


@pytest.mark.parametrize("size", [(3,), (3, 5), (5, 1, 3)])
def test_a_tap_of_a_minkowski_cross_keeps_its_offset(size):
    theirs = [(0,) * len(size)]
    for axis, k in enumerate(size):
        for step in (*range(1, k // 2 + 1), *range(-(k // 2), 0)):
            theirs.append(tuple(step if a == axis else 0 for a in range(len(size))))
    kernel = np.random.default_rng(0).normal(size=(len(theirs), 2, 3))
    ours = importers.minkowski_cross_kernel(kernel, size)
    for offset, weights in zip(ops.cross(size, len(size)).offsets, ours, strict=True):
        np.testing.assert_array_equal(weights, kernel[theirs.index(offset)])


def test_the_layouts_of_spconv_hold_the_same_kernel():
    kernel = np.random.default_rng(0).normal(size=(2, 3, 4, 5, 6))  # [*kernel_size, in, out]
    expected = kernel.reshape(24, 5, 6)
    for layout, axes in (
        ("RSCK", (0, 1, 2, 3, 4)), ("RSKC", (0, 1, 2, 4, 3)), ("KRSC", (4, 0, 1, 2, 3)),
    ):  # fmt: skip
        result = importers.spconv_kernel(kernel.transpose(axes), layout=layout)
        np.testing.assert_array_equal(result, expected)


def recorded() -> Any:
    return sparse_tensor(SPCONV["coords"], np.array(SPCONV["features"], np.float32),
                         spatial_shape=SPCONV["spatial_shape"], batch_size=2)  # fmt: skip


def result_of(name, x, connection):
    """``{site: features}`` with the weights of the recorded layer."""
    weights = jnp.asarray(importers.spconv_kernel(np.array(SPCONV[name]["weight"], np.float32)))
    y = ops.convolution(x, weights, connection)
    count = int(y.num_active)
    assert list(y.spatial_shape) == SPCONV[name].get("spatial_shape", SPCONV["spatial_shape"])
    assert np.asarray(y.coords)[:count].tolist() == SPCONV[name]["coords"]
    np.testing.assert_allclose(y.features[:count], SPCONV[name]["features"], atol=1e-5)
    return y


def test_recorded_convolutions_of_spconv_come_out_the_same():
    """Small whole numbers through layers of spconv 2.3.8, kernels 3 x 5 and 2 x 3, recorded once.

    ``SubMConv2d``, ``SparseConv2d(stride=2, padding=(0, 1))``, its ``SparseInverseConv2d``, and
    ``SparseConvTranspose2d(stride=2, padding=(0, 1))``.
    """
    x = recorded()
    coarse = dataclasses.replace(x, stride=(2, 2))
    same, down, up = jax.jit(
        lambda x, coarse: (
            ops.submanifold_connection(x, ops.hypercube((3, 5), 2)),
            ops.strided_connection(x, REGION, 2, output_sites="receptive_field"),
            ops.generative_connection(coarse, REGION, 2, spatial_shape=(8, 7)),
        )
    )(x, coarse)
    result_of("submanifold", x, same)
    y = result_of("strided", x, down)
    result_of("inverse", y, down.transpose())
    result_of("transposed", coarse, up)


class Network(flax.linen.Module):
    """One layer of every kind that has a rule."""

    @flax.linen.compact
    def __call__(self, x, connection):
        x = nn.GeneralConv(4, use_bias=True, name="stem")(x, connection)
        x = nn.BatchNorm(train=False, epsilon=1e-5, name="norm")(x)
        x = nn.PReLU(name="activation")(x)
        x = nn.ChannelwiseConv(name="depthwise")(x, connection)
        x = nn.InstanceNorm(epsilon=1e-8, name="instance")(x)
        x = nn.Linear(3, name="projection")(x)
        x = nn.Sinusoidal(3, name="wave")(x)
        return nn.Linear(2, name="head")(x)


def minkowski_state():
    rng = np.random.default_rng(0)
    shapes = {
        "conv0.kernel": (9, 2, 4), "conv0.bias": (1, 4),
        "bn0.bn.weight": (4,), "bn0.bn.bias": (4,), "bn0.bn.running_mean": (4,),
        "bn0.bn.running_var": (4,), "bn0.bn.num_batches_tracked": (),
        "act.module.weight": (1,), "dw.kernel": (9, 4),
        "inst.weight": (1, 4), "inst.bias": (1, 4),
        "proj.kernel": (4, 3), "proj.bias": (1, 3),
        "sine.kernel": (3, 3), "sine.bias": (1, 3), "sine.coef": (1, 3),
        "final.linear.weight": (2, 3), "final.linear.bias": (2,),
    }  # fmt: skip
    return {name: rng.uniform(0.5, 1.5, shape) for name, shape in shapes.items()}


RULES = {
    "conv0": importers.minkowski_convolution("stem", (3, 3)),
    "bn0.bn": importers.batch_norm("norm"),
    "act.module": importers.prelu("activation"),
    "dw": importers.minkowski_channelwise("depthwise", (3, 3)),
    "inst": importers.normalization("instance"),
    "proj": importers.minkowski_pointwise("projection"),
    "sine": importers.minkowski_sinusoidal("wave"),
    "final.linear": importers.linear("head"),
}


@pytest.fixture(scope="module")
def shapes() -> Any:
    x = recorded()
    connection = ops.submanifold_connection(x, ops.hypercube(3, 2))
    return jax.eval_shape(Network().init, jax.random.key(0), x, connection)


def test_a_minkowski_network_computes_what_its_layers_say(shapes):
    """The layers written out in float64, with pairs found by MinkowskiEngine's order of taps."""
    state = minkowski_state()
    variables = importers.import_state_dict(state, shapes, RULES)
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {np.dtype(np.float32)}
    x = recorded()
    network: Any = Network()
    run = jax.jit(lambda v, x: network.apply(
        v, x, ops.submanifold_connection(x, ops.hypercube(3, 2))))  # fmt: skip

    sites = [tuple(site) for site in SPCONV["coords"]]
    offsets = minkowski_offsets((3, 3))

    def convolve(rows, kernel, product):
        out = []
        for event, i, j in sites:
            terms = [product(rows[sites.index(there)], kernel[k])
                     for k, (a, b) in enumerate(offsets)
                     if (there := (event, i + a, j + b)) in sites]  # fmt: skip
            out.append(np.sum(terms, axis=0))
        return np.array(out)

    y = convolve(np.array(SPCONV["features"], float), state["conv0.kernel"], np.matmul)
    y = y + state["conv0.bias"]
    y = (y - state["bn0.bn.running_mean"]) / np.sqrt(state["bn0.bn.running_var"] + 1e-5)
    y = y * state["bn0.bn.weight"] + state["bn0.bn.bias"]
    y = np.where(y > 0, y, state["act.module.weight"] * y)
    y = convolve(y, state["dw.kernel"], np.multiply)
    event = np.array(sites)[:, 0]
    for b in range(2):
        rows = y[event == b]
        y[event == b] = (rows - rows.mean(0)) / np.sqrt(rows.var(0) + 1e-8)
    y = y * state["inst.weight"] + state["inst.bias"]
    y = y @ state["proj.kernel"] + state["proj.bias"]
    y = np.sin(y @ state["sine.kernel"] + state["sine.bias"]) * state["sine.coef"]
    y = y @ state["final.linear.weight"].T + state["final.linear.bias"]
    np.testing.assert_allclose(run(variables, x).features, y, rtol=1e-3, atol=1e-3)


def test_a_layer_of_spconv_goes_into_one_of_ours():
    rng = np.random.default_rng(0)
    state = {"0.weight": rng.normal(size=(4, 1, 1, 2)), "0.bias": rng.normal(size=4),
             "0.max_num_voxels_during_training": np.zeros(1)}  # fmt: skip
    x = recorded()
    layer = nn.Linear(4)
    tree = jax.eval_shape(layer.init, jax.random.key(0), x)
    rules = {"0": importers.spconv_pointwise("")}
    result: Any = layer.apply(importers.import_state_dict(state, tree, rules), x)
    expected = SPCONV["features"] @ state["0.weight"][:, 0, 0].T + state["0.bias"]
    np.testing.assert_allclose(result.features, expected, rtol=1e-5, atol=1e-5)
    assert importers.spconv_convolution("").targets.keys() == {"weight", "bias"}


def changed(**arrays):
    """The state without what is None, ``__`` for a dot."""
    named = {name.replace("__", "."): value for name, value in arrays.items()}
    return {k: v for k, v in (minkowski_state() | named).items() if v is not None}


@pytest.mark.parametrize(
    ("state", "rules", "text"),
    [
        (changed(extra__weight=np.zeros(1)), RULES, "has extra.weight that no rule uses"),
        (changed(conv0__offset=np.zeros(1)), RULES, "has conv0.offset that no rule uses: add"),
        (changed(conv0__kernal=np.zeros((9, 2, 4)), conv0__kernel=None), RULES,
         r"has conv0.kernal that no rule uses \(is it conv0.kernel\?\): add"),
        (changed(), {**RULES, "proj": importers.minkowski_convolution("projection", (1, 1))},
         r"kernel of one tap, and params/projection/weights has \(4, 3\): take minkowski_poi"),
        (changed(conv0__bias=None), RULES,
         "params/stem/bias that no array fills: the rules take it from conv0.bias, which"),
        (changed(bn0__bn__weight=None), RULES, "scale that no array fills: .* from bn0.bn.weight,"),
        (changed(inst__bias=None, inst__weight=None), RULES, "no array of the state dict"),
        (changed(conv0__kernel=np.zeros((9, 2, 5))), RULES,
         r"has shape \(9, 2, 5\): params/stem/weights must be \(9, 2, 4\), correct the path of the "
         "rule or make the network"),
        (changed(final__linear__weight=np.zeros((3, 4))), RULES,
         r"shape \(3, 4\) and makes \(4, 3\): .* \(params/projection/weights would fit\) or make"),
        (changed(conv0__bias=np.full(4, np.nan)), RULES, "conv0.bias has 4 of 4 numbers that are"),
        (changed(), {**RULES, "final.linear": importers.flax_dense("head")},
         "params/head has bias, weights instead, take another rule, that of this layer"),
        (changed(conv0__kernel=np.zeros((8, 2, 4))), RULES, r"conv0.kernel: kernel has shape \(8"),
        (changed(), {**RULES, "conv1": RULES["conv0"]}, r"layer 'conv1'.* \(is it conv0\?\)"),
        (changed(), {**RULES, "dw": importers.minkowski_convolution("stem", (3, 3))}, "both go to"),
        (changed(), {**RULES, "inst": importers.normalization("instant")},
         r"goes to params/instant/.* \(is it params/instance/"),
        (changed(), {k: v for k, v in RULES.items() if k != "proj"}, "proj.kernel, proj.bias that"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_line(shapes, state, rules, text):
    with pytest.raises(InputError, match=text) as error:
        importers.import_state_dict(state, shapes, rules)
    assert "\n" not in str(error.value)


def test_layers_may_be_left_out_on_purpose_and_types_follow_the_network(shapes):
    state = changed(aux__head__weight=np.zeros(3))
    half = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, jnp.bfloat16), shapes)
    variables = importers.import_state_dict(state, half, RULES, ignore=("aux",))
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype(jnp.bfloat16)}


def test_a_linear_layer_of_whole_events_goes_into_one_of_flax():
    dense, pooled = flax.linen.Dense(3), jnp.ones((2, 4))
    weight, bias = np.arange(12.0).reshape(3, 4), np.array([1.0, 2.0, 3.0])
    shapes = jax.eval_shape(dense.init, jax.random.key(0), pooled)
    state = {"fc.linear.weight": weight, "fc.linear.bias": bias}
    rules = {"fc.linear": importers.flax_dense("")}
    variables = importers.import_state_dict(state, shapes, rules)
    with pytest.raises(InputError, match=r"params has bias, kernel instead, .* flax_dense, as"):
        importers.import_state_dict(state, shapes, {"fc.linear": importers.linear("")})
    found = np.asarray(dense.apply(variables, pooled))
    np.testing.assert_allclose(found[1], weight.sum(axis=1) + bias)


def test_wrong_kernels_are_one_line():
    for call, text in (
        (lambda: importers.spconv_kernel(np.zeros((3, 3))), "1 to 4 axes"),
        (lambda: importers.spconv_kernel(np.zeros((3, 3, 3)), layout="NHWC"), "KRSC, RSKC, RSCK"),
        (lambda: importers.minkowski_kernel(np.zeros((9, 2)), (3, 3)), "taps, in, out"),
        (lambda: importers.minkowski_kernel(np.zeros((9, 2, 3)), (1,)), r"\(1,\) has \[in, out\]"),
        (lambda: importers.minkowski_cross_kernel(np.zeros((9, 2, 2)), (3, 3)), "5 taps"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=text):
            call()


def layer_of(rule, state, connect, x):
    """Sites and values of a convolution with imported weights, as ``{site: features}``."""
    layer: Any = nn.GeneralConv(3, use_bias=True)
    tree = jax.eval_shape(lambda x: layer.init(jax.random.key(0), x, connect(x)), x)
    variables = importers.import_state_dict(state, tree, {"conv": rule})
    y = jax.jit(lambda variables, x: layer.apply(variables, x, connect(x)))(variables, x)
    coords = np.asarray(y.coords)[: int(y.num_active)].tolist()
    return dict(zip(map(tuple, coords), np.asarray(y.features), strict=False))


def pairs(fine, coarse, offsets, stride):
    """(fine site, tap, coarse site) with ``fine = stride * coarse + offset``."""
    fine = set(fine)
    for (event, *place), (tap, offset) in itertools.product(coarse, enumerate(offsets)):
        there = (event, *(stride * p + d for p, d in zip(place, offset, strict=True)))
        if there in fine:
            yield there, tap, (event, *place)


def agree(result, expected):
    assert sorted(result) == sorted(expected)
    for site, values in expected.items():
        np.testing.assert_allclose(result[site], values, rtol=1e-5, atol=1e-5)


def cube_case() -> Any:
    """Thirty of the cells of two events of 5 x 4 x 5, and features by site."""
    rng = np.random.default_rng(3)
    coords = random_cells(rng, 30, (2, 5, 4, 5))
    features = rng.normal(size=(30, 2))
    x = sparse_tensor(coords, features, spatial_shape=(5, 4, 5), batch_size=2, capacity=32)
    return x, dict(zip(map(tuple, coords.tolist()), features, strict=True)), rng


def test_a_minkowski_cross_goes_through_its_rule():
    """Its taps as documented: the centre, then both arms of one axis after the other."""
    x, rows, rng = cube_case()
    offsets: list[tuple[int, ...]] = [(0, 0, 0)]
    for axis in range(3):
        offsets += [tuple(step * (a == axis) for a in range(3)) for step in (1, -1)]
    state = {"conv.kernel": rng.normal(size=(7, 2, 3)), "conv.bias": rng.normal(size=(1, 3))}
    expected = {site: state["conv.bias"][0].copy() for site in rows}
    for source, tap, site in pairs(rows, rows, offsets, 1):
        expected[site] += rows[source] @ state["conv.kernel"][tap]
    rule = importers.minkowski_cross("", (3, 3, 3))
    connect = functools.partial(ops.submanifold_connection, region=ops.cross(3, 3))
    agree(layer_of(rule, state, connect, x), expected)


def test_a_transposed_convolution_of_minkowski_computes_what_it_says():
    """From sites of stride 2 onto the fine ones: the pairs of the strided convolution, turned."""
    fine, rows, rng = cube_case()
    size = (3, 2, 3)
    connect = functools.partial(ops.strided_connection, region=ops.hypercube(size, 3), stride=2)
    target = jax.jit(lambda fine: connect(fine).target)(fine)
    coarse = np.asarray(target.coords)[: int(target.count)]
    values = rng.normal(size=(len(coarse), 2))
    padded = np.zeros((target.capacity, 2), np.float32)
    padded[: len(coarse)] = values
    x = target.tensor(jnp.asarray(padded))
    state = {"conv.kernel": rng.normal(size=(18, 2, 3)), "conv.bias": rng.normal(size=(1, 3))}
    expected = {site: state["conv.bias"][0].copy() for site in rows}
    sources = dict(zip(map(tuple, coarse.tolist()), values, strict=True))
    for site, tap, source in pairs(rows, sources, minkowski_offsets(size), 2):
        expected[site] += sources[source] @ state["conv.kernel"][tap]
    rule = importers.minkowski_convolution("", size)
    agree(layer_of(rule, state, lambda x: connect(fine).transpose(), x), expected)


@pytest.mark.parametrize(("size", "padding"), [(3, 0), (2, 0), (3, 1)])
def test_a_strided_convolution_of_spconv_ports_literally(size, padding):
    """``SparseConv3d(2, 3, size, stride=2, padding=padding)`` as ``docs/operations.md`` says.

    Its output has ``(n + 2 p - k) // 2 + 1`` sites along an axis, those with a window that holds an
    input; ``weight[o, i, j, l, c]`` multiplies the input at ``2 * out - p + (i, j, l)``.
    """
    x, rows, rng = cube_case()
    weight, bias = rng.normal(size=(3, size, size, size, 2)), rng.normal(size=3)
    shape = [(n + 2 * padding - size) // 2 + 1 for n in x.spatial_shape]
    expected: dict[tuple[int, ...], np.ndarray] = {}
    for event, *place in itertools.product(range(2), *map(range, shape)):
        for tap in itertools.product(range(size), repeat=3):
            there = (event, *(2 * p - padding + t for p, t in zip(place, tap, strict=True)))
            if there in rows:
                site = (event, *place)
                expected.setdefault(site, bias.copy())
                expected[site] += weight[(slice(None), *tap)] @ rows[there]
    connect = functools.partial(
        ops.strided_connection,
        region=ops.hypercube(size, 3, padding=padding),
        stride=2,
        output_sites="receptive_field",
    )
    assert list(jax.eval_shape(connect, x).target.spatial_shape) == shape
    state = {"conv.weight": weight, "conv.bias": bias}
    agree(layer_of(importers.spconv_convolution(""), state, connect, x), expected)


def test_a_transposed_convolution_of_spconv_has_its_lengths_where_they_are_given():
    """``(n - 1) s - 2 p + k``: 7 for 4 sites, kernel 3, stride 2, padding 1; ours has 8."""
    x = ops.given_sites([[0, i] for i in range(4)], spatial_shape=(4,), batch_size=1, stride=2)
    region = ops.hypercube(3, 1, padding=1)
    ours, theirs = jax.jit(
        lambda x: [ops.generated_sites(x, region, 2, spatial_shape=n) for n in (None, (7,))]
    )(x)
    assert (ours.spatial_shape, int(ours.count)) == ((8,), 8)
    assert np.asarray(theirs.coords)[: int(theirs.count), 1].tolist() == list(range(7))


def test_kernel_sizes_are_checked_where_the_rule_is_made():
    wrong: Any = 3
    for rule in (
        importers.minkowski_convolution,
        importers.minkowski_cross,
        importers.minkowski_channelwise,
    ):
        with pytest.raises(InputError, match=r"kernel_size is 3: must be a .* as \(3, 3, 3\) in"):
            rule("a", wrong)
