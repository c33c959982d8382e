"""Steps that time the published network, maps included."""

from __future__ import annotations

import functools

import jax

from benchmarks import whole_network, workloads
from benchmarks.accelerator.groups import Group, times
from benchmarks.accelerator.journal import Journal, Record
from benchmarks.accelerator.scale import Scale
from benchmarks.engines import cases
from benchmarks.parameters import published_network, published_variables
from benchmarks.programs import Lowered, Program, fingerprint, lower

COMPILING = 75  # seconds


def time_network(journal: Journal, scale: Scale, dtype: str) -> None:
    """Inference and training step on every image; the step's results are hashed."""
    names = {
        f"{image} {case}, {dtype}": (image, case)
        for image in scale.images
        for case in cases.NETWORK
    }
    group = Group(
        journal, scale, f"the whole network, {dtype}",
        lambda: {name: _lower(scale, *pair, dtype) for name, pair in names.items()},
        "compiling networks", COMPILING,
    )  # fmt: skip
    for name, (image, case) in names.items():
        measure = functools.partial(_measure, scale, image, case, dtype)
        group.take(name, measure, kind="whole network")


def _lower(scale: Scale, image: str, case: str, dtype: str) -> Lowered:
    workload = workloads.make(scale.images[image])
    network = published_network(**scale.network, dtype=dtype)
    x, capacities = whole_network.padded_tensor(workload, network.levels)
    arguments = [published_variables(workload.dim, **scale.network), x]
    if case == "training_step":
        arguments.append(whole_network.padded_labels(workload, x.capacity))
    function = getattr(whole_network, case)(network, whole_network.geometry(capacities))
    return lower(function, *jax.device_put(arguments, jax.devices()[0]))


def _measure(scale: Scale, image: str, case: str, dtype: str, program: Program) -> Record:
    found: Record = {"image": image, "case": case, "dtype": dtype, **times(program, scale)}
    if case == "training_step":
        hashes = {fingerprint(program.start()) for _ in range(scale.runs)}
        found |= {"runs": scale.runs, "hashes": len(hashes)}
    return found
