"""Devices and processes: the only file that knows them.

A replica's step (:mod:`jaxsparse.training.step`) becomes a program over all local devices. State
goes in and comes out without a leading device axis, equal on every device; batches carry one.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from jaxsparse import settings
from jaxsparse.errors import InputError
from jaxsparse.paths import make_folder, user_path
from jaxsparse.training.step import AXIS

KEEP_BARRIERS = {"xla_disable_hlo_passes": "cse_barrier_expander"}


class Replicas:
    """Runs replica functions on all local devices and counts the programs that it takes.

    >>> replicas = Replicas("pmap", devices=jax.local_devices()[:1])
    >>> total = replicas.wrap(lambda offset, batch: jax.lax.psum(batch.sum() + offset, AXIS), "ss")
    >>> float(total(1.0, np.ones((1, 3), np.float32)))
    4.0
    """

    def __init__(
        self,
        implementation: str = "pmap",
        devices: list[jax.Device] | None = None,
        compiling: Callable[[Callable[[], Any]], Any] = lambda make: make(),
        keep_barriers: bool = False,
    ):
        """Args:
          implementation: ``"pmap"`` or ``"shard_map"``; both give the same results.
          devices: all local devices by default.
          compiling: calls what compiles a program and returns what that returns; what it raises
            instead comes out of the program's first call, before anything is run or donated.
          keep_barriers: for programs that compute parts again in the backward pass: XLA for CPU
            else removes the barriers that make it wait with them, and no memory is saved
            (``docs/network.md``).

        Raises:
          InputError: another ``implementation``.
        """
        settings.check("train", {"parallel": implementation})
        self.implementation = implementation
        self.devices = list(devices or jax.local_devices())
        self.mesh = jax.make_mesh(
            (len(self.devices),), (AXIS,), axis_types=(AxisType.Auto,), devices=self.devices
        )
        self._compiling = compiling
        on_cpu = self.devices[0].platform == "cpu"
        self._compiler_options = KEEP_BARRIERS if keep_barriers and on_cpu else None
        self._programs: dict[Any, Callable[..., Any]] = {}
        self.tell: Callable[[str], object] = lambda text: None  # what a person waits for

    @property
    def description(self) -> str:
        """One line for people."""
        return f"{describe_devices(self.devices)}, {self.implementation}"

    @property
    def num_devices(self) -> int:
        """Length of the leading axis of every batch."""
        return len(self.devices)

    @property
    def compilations(self) -> int:
        """How many different programs were asked for: functions times capacity buckets."""
        return len(self._programs)

    def replicate(self, tree: Any) -> Any:
        """Puts arrays on every device, as the programs return them.

        Without it a first call with arrays of one device compiles a program that no later call
        uses again. For the same reason weak types, which eager arithmetic leaves, end here.
        """
        strong = jax.tree.map(lambda leaf: jax.lax.convert_element_type(leaf, leaf.dtype), tree)
        return jax.device_put(strong, NamedSharding(self.mesh, PartitionSpec()))

    def wrap(
        self, function: Callable[..., Any], name: str, *, donate: bool = False
    ) -> Callable[..., Any]:
        """Makes a replica function a program over all devices.

        Args:
          function: ``(replicated, shard, *replicated) -> replicated``; it sums over ``AXIS``
            whatever differs between replicas.
          name: under which its compilations count.
          donate: whether the first argument's memory may be reused for the result; the caller
            must not touch that argument again.

        Returns:
          ``(replicated, batch, *replicated) -> replicated``, where every array of ``batch`` has a
          leading axis of ``num_devices``.
        """
        make = self._with_pmap if self.implementation == "pmap" else self._with_shard_map

        def program(replicated: Any, batch: Any, *rest: Any) -> Any:
            leaves, structure = jax.tree.flatten((replicated, batch, rest))
            types = tuple((np.shape(leaf), jnp.result_type(leaf)) for leaf in leaves)
            key = name, function, structure, types  # static fields are in the structure
            if key not in self._programs:
                if self._programs:  # of the first one everybody says it
                    number = 1 + sum(known == name for known, *_ in self._programs)
                    self.tell(
                        f"compiling program {number} of {name}, which the time left does not count"
                    )
                # Compiled apart from the first run: it may be given up, a run may not.
                lowered = make(function, donate, len(rest)).lower(replicated, batch, *rest)
                self._programs[key] = self._compiling(
                    functools.partial(lowered.compile, self._compiler_options)
                )
            return self._programs[key](replicated, batch, *rest)

        return program

    def _with_pmap(self, function: Callable[..., Any], donate: bool, others: int) -> Any:
        return jax.pmap(
            function,
            axis_name=AXIS,
            in_axes=(None, 0, *[None] * others),
            out_axes=None,
            devices=self.devices,
            donate_argnums=(0,) if donate else (),
        )

    def _with_shard_map(self, function: Callable[..., Any], donate: bool, others: int) -> Any:
        everywhere, sharded = PartitionSpec(), PartitionSpec(AXIS)

        def replica(replicated: Any, batch: Any, *rest: Any) -> Any:
            return function(replicated, jax.tree.map(lambda leaf: leaf[0], batch), *rest)

        # check_vma=False: our operations refuse its default (ops/manual_axes.py), under which an
        # explicit psum of gradients, as pmap needs it, would count devices twice.
        mapped = jax.shard_map(
            replica,
            mesh=self.mesh,
            in_specs=(everywhere, sharded, *[everywhere] * others),
            out_specs=everywhere,
            check_vma=False,
        )
        return jax.jit(mapped, donate_argnums=(0,) if donate else ())


def split_cpu(count: int) -> None:
    """Makes ``count`` devices of the CPU, so that a batch is shared out over its cores.

    A step on one CPU device hardly gains from a second core: its operations are too small to be
    worth sharing. Two devices with half the events each keep two cores busy. Where the number
    of devices is settled already (``XLA_FLAGS``, or JAX is in use) this changes nothing, nor does
    it where an accelerator is used.

    Args:
      count: devices; 0 leaves the number to JAX.

    Raises:
      InputError: a negative number.
    """
    settings.check("train", {"cpu_devices": count})
    settled = "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", "")
    if count and not settled:
        with contextlib.suppress(RuntimeError):  # JAX is in use
            jax.config.update("jax_num_cpu_devices", count)


def local_devices(count: int = 0) -> list[jax.Device]:
    """The first ``count`` devices of this process, all of them for 0.

    Raises:
      InputError: there are fewer.
    """
    devices = jax.local_devices()
    if not 0 <= count <= len(devices):
        raise InputError(
            f"train.devices is {count} but there are {len(devices)} {devices[0].platform} devices: "
            "give at most that many, or 0 for all."
        )
    return devices[: count or None]


def enable_compilation_cache(directory: str) -> str:
    """Keeps compiled programs on disk, so that the next run starts at once.

    Args:
      directory: ``""`` turns it off; ``~`` is expanded. ``JAX_COMPILATION_CACHE_DIR`` wins.

    Returns:
      The folder in use, ``""`` for none.
    """
    chosen = os.environ.get("JAX_COMPILATION_CACHE_DIR", directory)
    if not chosen:
        return ""
    folder = user_path(chosen, "train.cache_dir").absolute()  # wherever the program goes
    remedy = "give another folder or turn it off with --config.train.cache_dir="
    make_folder(folder, "train.cache_dir", remedy)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
    return str(folder)


def describe_devices(devices: list[jax.Device]) -> str:
    """One line for people: how many of which kind.

    >>> describe_devices(jax.devices("cpu")[:1])
    '1 x cpu'
    """
    kinds = {device.device_kind for device in devices}
    processes = f" in each of {jax.process_count()} processes" if jax.process_count() > 1 else ""
    return f"{len(devices)} x {', '.join(sorted(kinds))}{processes}"
