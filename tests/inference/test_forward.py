"""One forward for all, and the predictor around it."""

import pathlib

import jax
import numpy as np
import pytest

import jaxsparse
from jaxsparse import models
from jaxsparse.data.batch import make_batch
from jaxsparse.data.buckets import BucketTable
from jaxsparse.data.pixels import Pixels
from jaxsparse.inference import Predictor, make_forward, network_inputs

PACKAGE = pathlib.Path(jaxsparse.__file__).parent


def batch_of(pixels: int, events: int = 2):
    rng = np.random.default_rng(pixels)
    cells = np.concatenate([np.sort(rng.choice(64, pixels, replace=False)) for _ in range(events)])
    coords = np.stack(np.unravel_index(cells, (8, 8)), axis=1).astype(np.int32)
    values = rng.normal(size=len(cells)).astype(np.float32)
    images = Pixels(coords, values, np.full(events, pixels), (8, 8))
    return make_batch([images], levels=2, buckets=BucketTable(((64, 32), (128, 64))))


@pytest.fixture(scope="module")
def network():
    heads = {"event": {"num_classes": 3}, "semantic": {"num_classes": 2}}
    return models.build({"name": "uresnet", "filters": 2, "depth": 2, "blocks": 1, "heads": heads})


@pytest.fixture(scope="module")
def variables(network):
    drawn = jax.jit(lambda key, *inputs: network.init(key, *inputs, train=False))(
        jax.random.key(0), *network_inputs(network, batch_of(9))
    )
    return {name: drawn[name] for name in ("params", "batch_stats")}


def test_the_predictor_says_what_the_network_says(network, variables):
    batch = batch_of(9)
    expected, _ = network.apply(variables, *network_inputs(network, batch), train=False)
    outputs = Predictor(network, variables)(batch)
    np.testing.assert_allclose(outputs["event"], expected["event"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        outputs["semantic"][0], expected["semantic"][0], rtol=1e-5, atol=1e-6
    )


def test_every_bucket_is_compiled_once_and_every_batch_timed(network, variables):
    predictor = Predictor(network, variables)
    for pixels in (5, 9, 40, 7):
        predictor(batch_of(pixels))
    assert predictor.compilations == 2
    assert predictor.capacities == [((64, 32),), ((128, 64),)]
    assert len(predictor.seconds) == 4


def test_training_moves_the_running_moments_and_evaluation_keeps_them(network, variables):
    forward, batch = make_forward(network), batch_of(9)
    _, kept = forward(variables, batch)
    assert kept is variables["batch_stats"]
    _, moved = forward(variables, batch, train=True, key=jax.random.key(1))
    pairs = zip(jax.tree.leaves(moved), jax.tree.leaves(kept), strict=True)
    assert any((one != other).any() for one, other in pairs)


def test_nothing_else_applies_a_network():
    calling = [
        path.relative_to(PACKAGE).as_posix()
        for folder in ("training", "evaluation", "inference", "commands")
        for path in (PACKAGE / folder).rglob("*.py")
        if "network.apply(" in (text := path.read_text(encoding="utf-8")) or "model.apply(" in text
    ]
    assert calling == ["inference/forward.py"]
