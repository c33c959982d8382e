"""What the device is and which rates it reaches."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks import machine
from benchmarks.accelerator.scale import Scale
from benchmarks.programs import call_times, lower
from jaxsparse.ops.native import compiler

ENVIRONMENT = ("JAX_", "XLA_", "CUDA_", "NVIDIA_TF32")  # what changes programs begins so
PACKAGES = ("jax", "flax", "numpy", "ml_dtypes", "libtpu", "llvmlite", "nvidia-")


def facts() -> dict[str, Any]:
    """Computer, device, versions and settings."""
    device = jax.devices()[0]
    memory = (device.memory_stats() or {}).get("bytes_limit")
    return {
        **machine.record("benchmarks.accelerator"),
        "platform": device.platform,
        "device": device.device_kind,
        "devices": jax.device_count(),
        "memory_gb": memory and round(memory / 1e9, 1),
        "driver": _driver(),
        "runtime": device.client.platform_version,
        "kernels": compiler.instruction_set(),
        "versions": _versions(),
        "environment": {
            name: value
            for name, value in sorted(os.environ.items())
            if name.startswith(ENVIRONMENT)
        },
    }


def rates(scale: Scale) -> dict[str, float]:
    """Of a product of bfloat16 matrices, of a copy, and the time of a program that does nothing."""
    a = jnp.ones((scale.matrix, scale.matrix), jnp.bfloat16)
    rows = jnp.zeros(scale.copied, jnp.uint8)
    calls = {"warm": 3, "calls": 3, "burst": 10}
    product = call_times(lower(lambda a: a @ a, a).compile().start, **calls)["burst_ms"]
    copy = call_times(lower(lambda c: c + jnp.uint8(1), rows).compile().start, **calls)["burst_ms"]
    nothing = lower(lambda s: s + 1, jnp.zeros(())).compile()
    return {
        "bfloat16_tflops": 2 * scale.matrix**3 / product / 1e9,
        "copy_tb_per_s": 2 * scale.copied / copy / 1e9,
        "empty_call_us": 1e3 * call_times(nothing.start, calls=20)["ms"],
    }


def _versions() -> dict[str, str]:
    return {
        name: distribution.version
        for distribution in importlib.metadata.distributions()
        if (name := str(distribution.metadata["Name"])).startswith(PACKAGES)
    }


def _driver() -> str | None:
    """Of an NVIDIA device."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    asked = [tool, "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=20)
    except subprocess.SubprocessError as error:
        return str(error)
    return done.stdout.strip().replace("\n", "; ")
