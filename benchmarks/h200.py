"""An H200 for XLA's compiler, on a machine without one."""

from __future__ import annotations

from typing import Any

from jax.experimental import topologies

from jaxsparse.errors import InputError

# What XLA's compiler asks of a device: NVIDIA's figures of an H200 (132 multiprocessors of compute
# capability 9.0).
H200 = """
platform_name: "CUDA"
gpu_device_info {
  name: "H200"
  cuda_compute_capability { major: 9 feature_extension: ACCELERATED_FEATURES }
  core_count: 132
  fpus_per_core: 128
  clock_rate_ghz: 1.98
  device_memory_size: 151397597184
  memory_bandwidth: 4800000000000
  l2_cache_size: 52428800
  threads_per_warp: 32
  threads_per_block_limit: 1024
  threads_per_core_limit: 2048
  registers_per_block_limit: 65536
  registers_per_core_limit: 65536
  shared_memory_per_block: 49152
  shared_memory_per_block_optin: 232448
  shared_memory_per_core: 233472
  block_dim_limit_x: 2147483647
  block_dim_limit_y: 65535
  block_dim_limit_z: 65535
  driver_version: "13.0.0"
  runtime_version: "12.8.0"
}
"""


def device() -> Any:
    """The H200 as a device to lower programs for.

    Raises:
      InputError: XLA's compiler for CUDA is not installed.
    """
    try:
        return topologies.get_topology_desc(
            "", "cuda", target_config=H200, topology="1x1x1"
        ).devices[0]
    except RuntimeError as error:
        raise InputError(
            f"XLA cannot compile for CUDA here ({error}): install the wheels that the first "
            "lines of benchmarks/compiled_for_gpu.py name"
        ) from None
