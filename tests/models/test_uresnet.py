"""UResNet: the sparse network is the masked dense one, and has its symmetries."""

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxsparse
from jaxsparse.errors import InputError
from jaxsparse.models import Network, SemanticHead, UResNet
from jaxsparse.nn.dense_tensor import dense_geometry, rows_of, to_dense_tensor
from tests.models.random_variables import random_variables
from tests.models.variants import variant

DEPTH = 3
TOTAL_STRIDE = 2 ** (DEPTH - 1)
SHAPE = (16, 24)
ODD_SHAPES = {2: (13, 19), 3: (7, 6, 9)}
EVENTS = 3
CAPACITY = 128
# On CPU; of a training step ``jax.jit(step, compiler_options=...)``.
KEEP_BARRIERS: Any = {"xla_disable_hlo_passes": "cse_barrier_expander"}
TINY = Network(UResNet(filters=3, depth=DEPTH, blocks=1), {"semantic": SemanticHead(5)})


def batch(seed, shape, *, per_event=(40, 0, 30), capacity=CAPACITY, margin=0):
    """Random sites and features; the second of three events is empty."""
    rng = np.random.default_rng(seed)
    rows = []
    for event, count in enumerate(per_event):
        inner = [size - 2 * margin for size in shape]
        sites = rng.choice(math.prod(inner), count, replace=False)
        columns = np.stack(np.unravel_index(sites, inner), axis=1) + margin
        rows.append(np.concatenate([np.full((count, 1), event), columns], axis=1))
    coords = np.concatenate(rows).astype(np.int32)
    features = rng.normal(size=(len(coords), 1)).astype(np.float32)
    return jaxsparse.sparse_tensor(
        coords, features, spatial_shape=shape, batch_size=len(per_event), capacity=capacity
    )


def variables_of(x, network=TINY):

    def make(key, x):
        geometry = jaxsparse.geometry(x, levels=network.levels, kernels=(3,))
        return network.init(key, (x,), (geometry,), train=False)

    return random_variables(jax.eval_shape(make, jax.random.key(0), x))


@functools.partial(jax.jit, static_argnames="network")
def evaluate(variables, x, network=TINY):
    geometry = jaxsparse.geometry(x, levels=network.levels, kernels=(3,))
    return network.apply(variables, (x,), (geometry,), train=False)[0]["semantic"][0]


def loss_of(rows, weights):
    """A function of all logits whose gradient differs from site to site."""
    return jnp.sum(weights * jnp.sin(rows))


def loss_weights(x):
    return np.random.default_rng(5).normal(size=(x.capacity, 5)).astype(np.float32)


@functools.partial(jax.jit, static_argnames="network")
def sparse_step(variables, x, weights, network=TINY):
    """Logits, new statistics, and gradients by parameters and by input features, in training."""

    def forward(params, features):
        y = x.replace(features=features)
        geometry = jaxsparse.geometry(y, levels=network.levels, kernels=(3,))
        (outputs, _), state = network.apply(
            {**variables, "params": params}, (y,), (geometry,), train=True, mutable=["batch_stats"]
        )
        (logits,) = outputs["semantic"]
        return loss_of(logits, weights), (logits, state["batch_stats"])

    gradient = jax.value_and_grad(forward, argnums=(0, 1), has_aux=True)
    (_, (logits, statistics)), gradients = gradient(variables["params"], x.features)
    return logits, statistics, gradients


@functools.partial(jax.jit, static_argnames="network")
def masked_dense_step(variables, x, weights, network):
    def forward(params, features):
        images = to_dense_tensor(x.replace(features=features), masked=True)
        geometry = dense_geometry(images, levels=network.levels)
        (outputs, _), state = network.apply(
            {**variables, "params": params},
            (images,),
            (geometry,),
            train=True,
            mutable=["batch_stats"],
        )
        rows = rows_of(outputs["semantic"][0], x)
        return loss_of(rows, weights), (rows, state["batch_stats"])

    gradient = jax.value_and_grad(forward, argnums=(0, 1), has_aux=True)
    (_, (logits, statistics)), gradients = gradient(variables["params"], x.features)
    return logits, statistics, gradients


def structure(tree) -> Any:
    return jax.tree.structure(tree)


def assert_trees_close(one, other, tolerance):
    assert structure(one) == structure(other)
    for (path, a), b in zip(
        jax.tree_util.tree_leaves_with_path(one), jax.tree.leaves(other), strict=True
    ):
        scale = max(1.0, float(np.max(np.abs(b), initial=0)))
        np.testing.assert_allclose(
            a, b, rtol=tolerance, atol=tolerance * scale, err_msg=jax.tree_util.keystr(path)
        )


@pytest.fixture(scope="module")
def image():
    return batch(0, SHAPE, margin=4)


@pytest.fixture(scope="module")
def variables(image):
    return variables_of(image)


@pytest.fixture(scope="module")
def step(variables, image):
    return sparse_step(variables, image, loss_weights(image))


def parameter_count(dim, **settings):
    network = Network(UResNet(**settings), {"semantic": SemanticHead(5)})
    x = batch(0, (32,) * dim)

    def make(key):
        geometry = jaxsparse.geometry(x, levels=network.levels, kernels=network.kernels)
        return network.init(key, (x,), (geometry,), train=False)["params"]

    params = jax.eval_shape(make, jax.random.key(0))
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))


def test_the_published_network_has_3_81_million_parameters_in_two_dimensions():
    squares = 32**2 * (1 + 4 + 9 + 16 + 25)
    inner_squares = 32**2 * (1 + 4 + 9 + 16)
    products = 32**2 * (2 + 6 + 12 + 20)
    stem = 9 * 32
    encoder = squares * 2 * 2 * 9
    between = 2 * products * 4
    decoder = inner_squares * (18 + 9 + 2 + 9 + 9)  # 64 -> 32 twice: 3x3 and the projection
    norms = 2 * 32 * (4 * 15 + 10 + 14 + (2 + 3) * 10 + 1)
    scores = 32 * 5 + 5
    count = parameter_count(2)
    assert count == stem + encoder + between + decoder + norms + scores
    assert round(count / 1e6, 2) == 3.81


@pytest.mark.parametrize("dim", [2, 3])
def test_sparse_equals_masked_dense_in_values_statistics_and_gradients(dim):
    network = TINY if dim == 2 else variant(TINY, depth=2)
    x = batch(1, ODD_SHAPES[dim])
    variables = variables_of(x, network)
    weights = loss_weights(x)
    sparse = sparse_step(variables, x, weights, network)
    dense = masked_dense_step(variables, x, weights, variant(network, vocabulary="dense"))
    assert float(jnp.abs(sparse[0]).max()) > 0.1
    assert_trees_close(sparse[0], dense[0], 1e-4)
    assert_trees_close(sparse[1], dense[1], 1e-4)
    assert_trees_close(sparse[2], dense[2], 2e-4)


def test_the_dense_vocabulary_takes_a_sparse_batch_as_plain_images(variables, image):
    network = variant(TINY, vocabulary="dense")
    images = to_dense_tensor(image, masked=False)
    outputs, _ = jax.jit(functools.partial(network.apply, train=False))(
        variables, (images,), (dense_geometry(images, levels=DEPTH),)
    )
    (logits,) = outputs["semantic"]
    rows = evaluate(variables, image, network)
    assert rows.shape == (CAPACITY, 5)
    np.testing.assert_allclose(rows, rows_of(logits, image), atol=1e-5)


def test_padding_rows_of_every_result_are_zero(variables, image, step):
    logits, _, (_, by_features) = step
    count = int(image.num_active)
    assert logits.dtype == jnp.float32
    assert not np.any(logits[count:])
    assert not np.any(by_features[count:])


def test_more_padding_changes_nothing(variables, image):
    wider = batch(0, SHAPE, margin=4, capacity=CAPACITY + 40)
    count = int(image.num_active)
    np.testing.assert_allclose(
        evaluate(variables, wider)[:count], evaluate(variables, image)[:count], atol=1e-5
    )


def test_a_batch_without_sites_gives_zeros_and_leaves_the_statistics_alone(variables):
    nothing = batch(0, SHAPE, per_event=(0, 0, 0))
    logits, statistics, gradients = sparse_step(variables, nothing, loss_weights(nothing))
    assert not np.any(logits)
    assert_trees_close(statistics, variables["batch_stats"], 1e-7)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(gradients))


def test_events_never_mix(variables, image):
    other = np.asarray(image.coords)[:, 0] == 2
    features = np.array(image.features)
    features[other] *= -3
    before = evaluate(variables, image)
    after = evaluate(variables, image.replace(features=jnp.asarray(features)))
    np.testing.assert_array_equal(after[~other], before[~other])
    assert np.abs(after[other] - before[other]).max() > 0.1


def moved(x, coords):
    """The batch with other coordinates, and for each of its rows the row it came from."""
    count = int(x.num_active)
    coords = np.asarray(coords)[:count]
    order = np.lexsort(coords.T[::-1])
    y = jaxsparse.sparse_tensor(
        coords,
        np.asarray(x.features)[:count],
        spatial_shape=x.spatial_shape,
        batch_size=x.batch_size,
        capacity=x.capacity,
    )
    return y, order


@pytest.mark.parametrize("axis", [0, 1])
def test_shift_by_the_total_stride_shifts_the_scores(variables, image, axis):
    coords = np.array(image.coords)
    coords[:, 1 + axis] += TOTAL_STRIDE
    shifted, order = moved(image, coords)
    count = int(image.num_active)
    np.testing.assert_allclose(
        evaluate(variables, shifted)[:count], evaluate(variables, image)[order], atol=1e-5
    )


@pytest.mark.parametrize("axis", [0, 1])
def test_flipped_image_through_flipped_kernels_gives_flipped_scores(variables, image, axis):
    coords = np.array(image.coords)
    coords[:, 1 + axis] = SHAPE[axis] - 1 - coords[:, 1 + axis]
    flipped, order = moved(image, coords)

    def flip(leaf):
        if leaf.ndim != 3:  # only kernels have taps
            return leaf
        side = round(leaf.shape[0] ** 0.5)
        return np.flip(leaf.reshape(side, side, *leaf.shape[1:]), axis).reshape(leaf.shape)

    mirrored = {**variables, "params": jax.tree.map(flip, variables["params"])}
    count = int(image.num_active)
    np.testing.assert_allclose(
        evaluate(mirrored, flipped)[:count], evaluate(variables, image)[order], atol=1e-5
    )


def test_rematerialisation_gives_the_same_numbers(variables, image, step):
    arguments = variables, image, loss_weights(image)
    network = variant(TINY, remat=True)
    again = sparse_step.lower(*arguments, network).compile(KEEP_BARRIERS)(*arguments)
    assert_trees_close(again, step, 1e-5)


def test_rematerialisation_saves_memory_on_cpu_where_xla_keeps_its_barriers():
    """What ``docs/network.md`` says of memory: without the option XLA computes it all at once."""
    x = batch(0, (32, 32), per_event=(900,), capacity=1024)
    weights = np.ones((1024, 5), np.float32)
    deep = variant(TINY, filters=8, depth=1, blocks=6)
    shapes = jax.eval_shape(
        lambda: deep.init(jax.random.key(0), (x,), (jaxsparse.geometry(x, levels=1),), train=False)
    )

    def megabytes(remat, options):
        lowered = sparse_step.lower(shapes, x, weights, variant(deep, remat=remat))
        memory: Any = lowered.compile(options).memory_analysis()
        return memory.temp_size_in_bytes / 1e6

    stored, again = (megabytes(remat, KEEP_BARRIERS) for remat in (False, True))
    assert again < 0.6 * stored


def test_a_network_of_xlas_data_flows_trains_as_one_of_our_kernels(variables, image, step):
    windows = variant(TINY, implementation="windows")
    assert_trees_close(sparse_step(variables, image, loss_weights(image), windows), step, 1e-5)


def test_bfloat16_products_stay_near_float32(variables, image):
    logits = evaluate(variables, image, variant(TINY, dtype="bfloat16"))
    exact = evaluate(variables, image)
    difference = float(jnp.abs(logits - exact).max() / jnp.abs(exact).max())
    assert logits.dtype == jnp.float32
    assert 0 < difference < 0.05


def test_convolution_first_has_the_same_names_and_another_function(variables, image):
    network = variant(TINY, order="convolution_first")
    other = variables_of(image, network)
    assert structure(other) == structure(variables)
    assert np.all(np.isfinite(evaluate(other, image, network)))


def test_a_tiny_sample_is_learned_to_the_last_pixel():
    network = variant(TINY, {"semantic": SemanticHead(3)}, filters=8, depth=2, blocks=1)
    x = batch(3, (16, 16), per_event=(30, 18), capacity=48)
    labels = np.random.default_rng(3).integers(0, 3, x.capacity)
    geometry = jaxsparse.geometry(x, levels=2, kernels=(3,))
    optimizer = optax.adam(3e-2)

    @jax.jit
    def fit(key):
        variables = network.init(key, (x,), (geometry,), train=False)

        def loss(params, statistics):
            (outputs, _), state = network.apply(
                {"params": params, "batch_stats": statistics},
                (x,),
                (geometry,),
                train=True,
                mutable=["batch_stats"],
            )
            (logits,) = outputs["semantic"]
            cross_entropy = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
            return cross_entropy.mean(), state["batch_stats"]

        def update(state, _):
            params, statistics, memory = state
            (value, statistics), gradient = jax.value_and_grad(loss, has_aux=True)(
                params, statistics
            )
            updates, memory = optimizer.update(gradient, memory)
            return (optax.apply_updates(params, updates), statistics, memory), value

        start = variables["params"], variables["batch_stats"], optimizer.init(variables["params"])
        (params, statistics, _), losses = jax.lax.scan(update, start, length=150)
        learned = {"params": params, "batch_stats": statistics}
        outputs, _ = network.apply(learned, (x,), (geometry,), train=False)
        return losses, outputs["semantic"][0]

    losses, logits = fit(jax.random.key(1))
    assert losses[-1] < 0.1 * losses[0]
    np.testing.assert_array_equal(np.argmax(logits, axis=-1), labels)


def test_a_geometry_of_too_few_levels_is_named(image, variables):
    geometry = jaxsparse.geometry(image, levels=1, kernels=(3,))
    with pytest.raises(InputError, match="more levels"):
        TINY.apply(variables, (image,), (geometry,), train=False)


def test_a_geometry_without_the_kernel_is_named(image, variables):
    geometry = jaxsparse.geometry(image, levels=DEPTH, kernels=(5,))
    with pytest.raises(InputError, match=r"kernel_size is 3.*\[5\]"):
        TINY.apply(variables, (image,), (geometry,), train=False)
