"""Data flows made of XLA's operations alone: for every platform, and for exported programs."""

from jaxsparse.ops.xla import grouped, table, windows

__all__ = ["grouped", "table", "windows"]
