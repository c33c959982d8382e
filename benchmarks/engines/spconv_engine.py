"""spconv on CPU, in the one mode that computes what it should.

As shipped (2.3.8) its ``scatter_add_cpu`` adds to the same rows from several threads, so that
results change from run to run, and its backward pass asks for a CUDA stream. Here the former runs
on one thread, all else on as many as given, and the latter is answered with 0. Layers are called
through spconv's functions, without the cost of its modules.
"""

from __future__ import annotations

import functools
import importlib.metadata
import logging
from pathlib import Path
from typing import Any

import numpy as np
import spconv.pytorch as spconv
import torch
from spconv.core import ConvAlgo
from spconv.pytorch import functional, ops

from benchmarks.engines import cases
from benchmarks.engines.cases import DEPTH, LEARNING_RATE, Call, Layer, Workload
from benchmarks.engines.spconv_uresnet import UResNet, spconv_weights

NATIVE = ConvAlgo.Native  # the only algorithm on CPU
logging.getLogger("torch.fx").setLevel(logging.ERROR)  # a note on names that spconv imports
CONVOLUTIONS = {
    "submanifold": functional.indice_subm_conv,
    "strided": functional.indice_conv,
    "inverse": functional.indice_inverse_conv,
}


def set_up(threads: int, cache: str) -> dict[str, str]:
    """Sets threads and the correct mode; nothing is compiled, so ``cache`` is not used."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    _correct_mode(threads)
    return {name: importlib.metadata.version(name) for name in ("spconv", "torch")}


def check() -> None:
    """Compares small convolutions and their gradients with torch's dense ones."""
    for dim in (2, 3):
        for layer in (
            Layer("submanifold", 3, 4, gradients=True),
            Layer("strided", 3, 4, gradients=True),
            Layer("inverse", 4, 3, gradients=True),
        ):
            _check_against_dense(layer, dim)


def prepare(case: str, workload: Workload, parameters: Path) -> Call:
    """A call of ``case`` that was made once."""
    if case in cases.MAPS:
        return _maps(case, workload)
    if case in cases.LAYERS:
        return _layer(cases.LAYERS[case], workload)
    return _network(case, workload, parameters)


def _correct_mode(threads: int) -> None:
    ops.get_current_stream = lambda: 0
    if threads == 1:
        return
    racy = ops.SpconvOps.scatter_add_cpu

    def on_one_thread(*arguments: Any) -> None:
        # spconv's OpenMP calls resolve to torch's library, whose setting this is (the one in
        # spconv's own wheel is not used); it holds for the calling thread, and autograd has its own
        torch.set_num_threads(1)
        try:
            racy(*arguments)
        finally:
            torch.set_num_threads(threads)

    ops.SpconvOps.scatter_add_cpu = staticmethod(on_one_thread)


def _pairs(coords: Any, batch_size: int, shape: list[int], kernel_size: int) -> Any:
    """Output sites, pairs and pairs a tap of one layer: submanifold (3) or stride 2 (2)."""
    dim = len(shape)
    submanifold = kernel_size == 3
    return ops.get_indice_pairs(
        coords,
        batch_size,
        shape,
        NATIVE,
        [kernel_size] * dim,
        [1 if submanifold else 2] * dim,
        [1 if submanifold else 0] * dim,
        [1] * dim,
        [0] * dim,
        submanifold,
        False,
    )


def _shape(workload: Workload) -> list[int]:
    """The spatial shape, rounded up: spconv drops the last sites of an odd length on its way down.

    >>> _shape(Workload(None, None, (17, 64), 1))
    [32, 64]
    """
    step = 2 ** (DEPTH - 1)
    return [-(-length // step) * step for length in workload.spatial_shape]


def _maps(case: str, workload: Workload) -> Call:
    fine = torch.from_numpy(workload.coords)
    levels = 1 if case == "layer_map" else DEPTH

    def run() -> list[Any]:
        coords, shape, found = fine, _shape(workload), []
        for level in range(levels):
            found.append(_pairs(coords, workload.batch_size, shape, 3))
            if level + 1 < levels:
                coords = _pairs(coords, workload.batch_size, shape, 2)[0]
                shape = [length // 2 for length in shape]
        return found

    def arrays(found: list[Any]) -> dict[str, np.ndarray]:
        taps = 3**workload.dim
        return {
            "sites": np.array([len(coords) for coords, _, _ in found]),
            "pairs": np.array([counts.numpy()[: taps // 2] for _, _, counts in found]),
        }

    return Call(run, arrays)


def _layer(layer: Layer, workload: Workload) -> Call:
    coords = torch.from_numpy(workload.coords)
    kernel_size = layer.kernel_size
    coarse, pairs, counts = _pairs(coords, workload.batch_size, _shape(workload), kernel_size)
    sites_in, sites_out = (coarse, coords) if layer.kind == "inverse" else (coords, coarse)
    rank_in, rank_out = _ranks(sites_in), _ranks(sites_out)
    features = torch.from_numpy(cases.layer_features(layer, len(sites_in)))[rank_in]
    cotangent = torch.from_numpy(cases.layer_cotangent(layer, len(sites_out)))[rank_out]
    weights = spconv_weights(
        torch.from_numpy(cases.layer_weights(layer, workload.dim)), kernel_size, workload.dim
    )
    features.requires_grad_(layer.gradients)
    weights.requires_grad_(layer.gradients)
    convolution = functools.partial(CONVOLUTIONS[layer.kind], features, weights)

    def forward() -> Any:
        with torch.inference_mode():
            return (convolution(pairs, counts, len(sites_out), NATIVE),)

    def with_gradients() -> Any:
        out = convolution(pairs, counts, len(sites_out), NATIVE)
        return out, *torch.autograd.grad(out, (features, weights), cotangent)

    def arrays(result: Any) -> dict[str, np.ndarray]:
        found = {"out": _in_order(result[0], rank_out)}
        if layer.gradients:
            found["input gradient"] = _in_order(result[1], rank_in)
            shape = cases.layer_weights(layer, workload.dim).shape
            found["weight gradient"] = result[2].movedim(0, -1).reshape(shape).numpy()
        return found

    return Call(with_gradients if layer.gradients else forward, arrays)


def _ranks(coords: torch.Tensor) -> torch.Tensor:
    """The number of every site in lexicographic order: spconv's coarse sites have another."""
    order = np.lexsort(coords.numpy().T[::-1])
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    return torch.from_numpy(ranks)


def _in_order(rows: torch.Tensor, ranks: torch.Tensor) -> np.ndarray:
    out = np.empty(rows.shape, np.float32)
    out[ranks.numpy()] = rows.detach().numpy()
    return out


def _network(case: str, workload: Workload, parameters: Path) -> Call:
    network = UResNet(workload.dim, DEPTH, cases.NUM_CLASSES)
    with np.load(parameters, allow_pickle=False) as arrays:
        network.load(arrays)
    facts = {"parameters": sum(p.numel() for p in network.parameters())}
    coords, features = torch.from_numpy(workload.coords), torch.from_numpy(workload.features)
    make = functools.partial(
        spconv.SparseConvTensor, features, coords, _shape(workload), workload.batch_size
    )
    if case == "inference":
        network.eval()

        def inference() -> Any:
            with torch.inference_mode():
                return network(make())

        return Call(inference, lambda logits: {"logits": logits.numpy()}, facts)

    network.train()
    targets = torch.from_numpy(cases.labels(len(coords)).astype(np.int64))

    def step() -> Any:
        network.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(network(make()), targets, reduction="sum")
        loss.backward()
        with torch.no_grad():
            for values in network.parameters():
                values.sub_(values.grad, alpha=LEARNING_RATE)
        return loss.detach()

    def stepped(loss: Any) -> dict[str, np.ndarray]:
        with np.load(parameters, allow_pickle=False) as initial:
            before = initial["params/backbone/stem/weights"]
        after = network.stem.weight.detach().movedim(0, -1).reshape(before.shape).numpy()
        return {"loss": loss.numpy(), "update": after - before}

    return Call(step, stepped, facts)


def _check_against_dense(layer: Layer, dim: int) -> None:
    """Compares output and gradients with torch's dense convolution at the active sites."""
    coords = np.argwhere(np.random.default_rng(0).random((2, *(8,) * dim)) < 0.3)
    workload = Workload(
        coords.astype(np.int32, order="C"), np.zeros((len(coords), 1)), (8,) * dim, 2
    )
    call = _layer(layer, workload)
    found = call.arrays(call.run())

    coarse = np.unique(np.concatenate([coords[:, :1], coords[:, 1:] // 2], axis=1), axis=0)
    sites_in = coarse if layer.kind == "inverse" else coords
    sites_out = coarse if layer.kind == "strided" else coords
    weights = torch.from_numpy(cases.layer_weights(layer, dim)).requires_grad_()
    features = torch.from_numpy(cases.layer_features(layer, len(sites_in))).requires_grad_()
    side = 4 if layer.kind == "inverse" else 8
    grid = torch.zeros(2, *(side,) * dim, layer.channels_in)
    grid = grid.index_put(tuple(torch.from_numpy(sites_in.T)), features).movedim(-1, 1)
    kernel = weights.reshape(*(layer.kernel_size,) * dim, *weights.shape[1:])
    if layer.kind == "inverse":
        dense = getattr(torch.nn.functional, f"conv_transpose{dim}d")
        grid = dense(grid, kernel.movedim((-2, -1), (0, 1)), stride=2)
    else:
        dense = getattr(torch.nn.functional, f"conv{dim}d")
        step = {"padding": 1} if layer.kind == "submanifold" else {"stride": 2}
        grid = dense(grid, kernel.movedim((-1, -2), (0, 1)), **step)
    out = grid.movedim(1, -1)[tuple(torch.from_numpy(sites_out.T))]
    cotangent = torch.from_numpy(cases.layer_cotangent(layer, len(sites_out)))
    gradients = torch.autograd.grad(out, (features, weights), cotangent)
    expected = (out.detach(), *gradients)
    for (name, values), right in zip(found.items(), expected, strict=True):
        if not np.allclose(values, right.numpy(), rtol=1e-4, atol=1e-4):
            raise RuntimeError(
                f"spconv's {layer.kind} convolution differs from torch's dense one in {dim}-D "
                f"({name}): not timed"
            )
