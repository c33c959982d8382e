"""What the figures of an evaluation depend on."""

from __future__ import annotations

import platform

import jax

from jaxsparse.versions import versions as package_versions


def versions() -> dict[str, str]:
    """Versions of everything that the figures depend on, and the device they were taken on."""
    return {
        **package_versions(("jax", "jaxlib", "flax", "numpy", "h5py")),
        "device": jax.local_devices()[0].device_kind,
        "platform": platform.platform(),
    }
