"""Every operation, as a loss that smoothly depends on a dictionary of float arrays where it can."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxsparse
from jaxsparse import nn, ops, sparse_tensor
from jaxsparse.ops.convolve import convolve_rows
from tests.ops import on_rows

SITES, CAPACITY, CHANNELS, BATCH = 10, 12, 2, 3
Loss = Callable[[Any], Any]


def spread(seed, *shape):
    """Numbers well apart, so that no maximum changes hands over a finite difference."""
    values = np.arange(np.prod(shape)).reshape(shape) / np.prod(shape) * 3 - 1.5
    return np.random.default_rng(seed).permuted(values).astype(np.float32)


@functools.cache
def sites(seed=0) -> Any:
    """Ten sites in events 0 and 2 of three."""
    cells = np.sort(np.random.default_rng(seed).choice(40, SITES, replace=False))
    event, *place = np.unravel_index(cells, (2, 4, 5))
    coords = np.stack([2 * event, *place], axis=1)
    features = np.asarray(spread(seed, SITES, CHANNELS))
    return sparse_tensor(
        coords, features, spatial_shape=(4, 5), batch_size=BATCH, capacity=CAPACITY
    )


@functools.cache
def maps() -> Any:
    @jax.jit
    def build(x):
        level = jaxsparse.geometry(x, levels=2).levels[0]
        general = ops.strided_connection(x, ops.hypercube(3, 2), 2).kernel_map
        return {"submanifold": level.kernel_maps[3], "down": level.down, "general": general}

    made = build(sites())
    return {**made, "up": made["down"].transpose(), "back": made["general"].transpose()}


def features_for(kernel_map, seed=1):
    features = spread(seed, kernel_map.capacity_in, CHANNELS)
    features[int(kernel_map.num_in) :] = 0
    return features


def over_maps(operation: Callable[..., Any], *names: str) -> tuple[Loss, Any]:
    """A loss of one operation over several maps, each with features of its own."""

    def loss(a):
        return sum(jnp.sum(jnp.sin(operation(a[name], maps()[name], a))) for name in names)

    return loss, {name: features_for(maps()[name]) for name in names}


def convolution(*names: str, **options: Any) -> tuple[Loss, Any]:
    def run(features, kernel_map, a):
        weights = a["w"][: kernel_map.taps, : CHANNELS // options.get("groups", 1)]
        return convolve_rows(features, weights, kernel_map, bias=a["bias"], **options)

    loss, arguments = over_maps(run, *names)
    return loss, {**arguments, "w": spread(2, 9, CHANNELS, 4) / 4, "bias": spread(3, 4)}


def linear() -> tuple[Loss, Any]:
    def loss(a):
        return total(ops.linear(sites().replace(a["features"]), a["w"], bias=a["bias"]).features)

    arguments = {"w": spread(2, CHANNELS, 4) / 4, "bias": spread(3, 4)}
    return loss, {"features": sites().features, **arguments}


def per_event() -> tuple[Loss, Any]:
    def loss(a):
        x = sites().replace(a["features"])
        y = ops.broadcast_multiply(ops.broadcast_add(x, a["vectors"]), a["vectors"])
        y = ops.broadcast_concatenate(y, ops.global_sum_pooling(x))
        return total(at_sites(y), ops.global_average_pooling(y), ops.global_max_pooling(x))

    return loss, {"features": sites().features, "vectors": spread(4, BATCH, CHANNELS)}


def normalization(run: Callable[..., Any]) -> tuple[Loss, Any]:
    def loss(a):
        return total(run(sites().replace(a["features"]), a["scale"], a["bias"]))

    names = ("scale", "bias")
    parameters = {name: spread(5 + i, CHANNELS) for i, name in enumerate(names)}
    return loss, {"features": sites().features, **parameters}


def sets() -> tuple[Loss, Any]:
    def loss(a):
        x, y = sites().replace(a["x"]), sites(1).replace(a["y"])
        both = ops.union(x, y)
        common = ops.intersection(x, y, combine="concatenate")
        kept = ops.prune(x, np.arange(CAPACITY) % 2 == 0)
        return total(*(t.features for t in (both, common, kept, ops.crop(x, (1, -1), (3, 3)))))

    return loss, {"x": sites().features, "y": sites(1).features}


def batches() -> tuple[Loss, Any]:
    def loss(a):
        x, y = sites().replace(a["x"]), sites(1).replace(a["y"])
        whole = ops.concatenate_events([x, y])
        parts = (whole, whole[2:5], x[2], 2 * x + 1, x * x, x / (x + 3))
        stack = ops.stack(ops.unstack(ops.stack([x, y])))
        return total(at_sites(stack), *(part.features for part in parts))

    return loss, {"x": sites().features, "y": sites(1).features}


def voxelize(policy: str) -> tuple[Loss, Any]:
    corners = np.repeat(np.maximum(sites().coords, 0), 2, axis=0)
    points = corners + np.array([0, 0.25, 0.5], np.float32)

    def loss(a):
        x, point_map, _ = ops.voxelize(
            points, a["features"], spatial_shape=(4, 5), batch_size=BATCH, duplicates=policy
        )
        return total(x.features, point_map.restore(x.features))

    return loss, {"features": spread(6, 2 * CAPACITY, CHANNELS)}


def interpolation() -> tuple[Loss, Any]:
    x = sites()
    coords = np.maximum(x.coords, 0)

    def loss(a):
        points = jnp.concatenate([jnp.float32(coords[:, :1]), a["places"]], axis=1)
        y = x.replace(a["features"])
        near, _ = ops.features_at(y, points)
        return total(ops.interpolate(y, points, normalized=True), near)

    places = coords[:, 1:] + np.float32(0.25) + spread(7, CAPACITY, 2) / 8
    return loss, {"features": x.features, "places": places}


def grids() -> tuple[Loss, Any]:
    mask = ops.dense_mask(sites())

    def loss(a):
        grid = ops.to_dense(sites().replace(a["features"]))
        back = ops.from_dense(grid * a["grid"], capacity=CAPACITY, mask=mask)
        return total(grid, back.features)

    return loss, {"features": sites().features, "grid": spread(8, BATCH, 4, 5, 1)}


def rows() -> tuple[Loss, Any]:
    numbers = jnp.array([3, 0, 3, 11, 99, 3, -1, 5])

    def loss(a):
        return total(ops.take_rows(a["x"], numbers), ops.sum_rows(a["x"][:8], numbers, 6))

    return loss, {"x": spread(9, CAPACITY, CHANNELS)}


def network() -> tuple[Loss, Any]:
    """The geometry is made inside, as in a training step."""

    def loss(a):
        x = sites().replace(a["features"])
        built = jaxsparse.geometry(x, levels=2)
        fine: Any = built.levels[0]
        y = jnp.tanh(convolve_rows(x.features, a["w"], fine.kernel_maps[3]))
        y = jnp.tanh(convolve_rows(y, a["w"][:4], fine.down))
        return total(convolve_rows(y, a["w"][4:8], fine.down.transpose()))

    return loss, {"features": sites().features, "w": spread(10, 9, CHANNELS, CHANNELS) / 3}


def random_layers() -> tuple[Loss, Any]:
    """Layers of one site, in training: the same key, the same draws."""

    def loss(a):
        x = sites().replace(a["features"])
        for layer in (nn.RReLU(True), nn.AlphaDropout(0.5, True), nn.Sinusoidal(3)):
            x = layer.apply({"params": a["wave"]}, x, rngs={"dropout": jax.random.key(0)})
        return total(x.features)

    wave = {"weights": spread(11, CHANNELS, 3), "bias": spread(12, 3), "amplitude": spread(13, 3)}
    return loss, {"features": sites().features, "wave": wave}


def at_sites(x: Any) -> Any:
    """Features without those of padding rows, which may be any."""
    return jnp.where(x.mask[..., None], x.features, 0)


def total(*results: Any) -> Any:
    return sum(jnp.sum(jnp.sin(result)) for result in results)


def pooling(name: str, *kinds: str, **options: Any) -> tuple[Loss, Any]:
    run = getattr(on_rows, name)
    loss, arguments = over_maps(lambda x, kernel_map, _: run(x, kernel_map, **options), *kinds)
    if name.endswith("unpooling"):  # reads what the map makes
        arguments = {kind: features_for(maps()[kind].transpose()) for kind in kinds}
    return loss, arguments


def max_pooling() -> tuple[Loss, Any]:
    def run(features, kernel_map, _):
        largest, choice = on_rows.max_pooling_with_choice(features, kernel_map)
        return on_rows.max_unpooling(jnp.tanh(largest), choice, kernel_map)

    return over_maps(run, "down", "back")


def batch_norm(x, scale, bias):
    return ops.batch_norm(x, scale, bias).features


def batch_norm_of_many_channels(x, scale, bias):
    """As many as the kernels for sums take, which the other losses have not."""
    features, scale, bias = (jnp.tile(array, 16) for array in (x.features, scale, bias))
    return ops.batch_norm(x.replace(features), scale, bias).features


def batch_norm_inference(x, scale, bias):
    return ops.batch_norm_inference(x, scale, bias, bias, bias**2).features


def group_norm(x, scale, bias):
    """Two groups of two channels."""
    x = x.replace(jnp.concatenate([x.features, 0.5 - 2 * x.features], axis=1))
    vectors = (jnp.concatenate([v, 2 * v]) for v in (scale, bias))
    return ops.group_norm(x, *vectors, groups=2).features


def moments(x, scale, bias):
    mean, variance, _ = ops.masked_moments(x)
    return scale * mean + bias * jnp.sqrt(1 + variance)  # smooth, also where all are equal


def coordinates_alone(x, coarse, labels):
    """What has no derivative: sites, connections and votes."""
    _, point_map, _ = ops.voxelize(
        x.coords, x.features, spatial_shape=(4, 5), batch_size=BATCH, duplicates="first"
    )
    box = ops.hypercube(3, 2)
    new = ops.strided_connection(x, box, 2, output_sites="receptive_field")
    return (
        new,
        ops.submanifold_connection(x, ops.cross(3, 2), strategy="search"),
        ops.transposed_connection(new.target, x, box),
        ops.generative_connection(coarse, box, 2),
        ops.vote(labels, point_map),
    )


OPERATIONS: dict[str, Callable[[], tuple[Loss, Any]]] = {
    "convolution": functools.partial(convolution, "submanifold", "general"),
    "convolution, table": functools.partial(convolution, "down", "back", implementation="table"),
    "convolution, windows": functools.partial(
        convolution, "submanifold", "general", implementation="windows"
    ),
    "grouped convolution": functools.partial(convolution, "submanifold", groups=2),
    "linear": linear,
    "sum pooling": functools.partial(pooling, "sum_pooling", "submanifold", "general"),
    "average pooling": functools.partial(pooling, "average_pooling", "down", "back"),
    "average pooling by the kernel": functools.partial(
        pooling, "average_pooling", "submanifold", divisor="kernel"
    ),
    "sum unpooling": functools.partial(pooling, "sum_unpooling", "up", "back"),
    "average unpooling": functools.partial(pooling, "average_unpooling", "up", "back"),
    "max pooling and unpooling": max_pooling,
    "global pooling and broadcast": per_event,
    "batch norm": functools.partial(normalization, batch_norm),
    "batch norm, many channels": functools.partial(normalization, batch_norm_of_many_channels),
    "batch norm, inference": functools.partial(normalization, batch_norm_inference),
    "masked moments": functools.partial(normalization, moments),
    "instance norm": functools.partial(normalization, lambda *a: ops.instance_norm(*a).features),
    "group norm": functools.partial(normalization, group_norm),
    "layer norm": functools.partial(
        normalization, lambda *a: ops.layer_norm(*a, epsilon=0.1).features
    ),
    "union, intersection, prune, crop": sets,
    "events, batches, arithmetic": batches,
    "voxelize, sum": functools.partial(voxelize, "sum"),
    "voxelize, mean": functools.partial(voxelize, "mean"),
    "voxelize, max": functools.partial(voxelize, "max"),
    "voxelize, first": functools.partial(voxelize, "first"),
    "interpolate, features at": interpolation,
    "to and from dense": grids,
    "take and sum rows": rows,
    "geometry inside": network,
    "random layers and a sine": random_layers,
}
