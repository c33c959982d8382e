"""Data flows made of XLA's operations alone: for every platform, and for exported programs."""

from jaxsparse.ops.xla import grouped, windows, table  # noqa: I001 - on a CPU windows come first

__all__ = ["grouped", "table", "windows"]
