"""How the cost of the published network grows with the number of sites.

    python -m benchmarks.growth [--sites=5000,10000,20000] [--out=FILE.json]

Batches of seeded events of 5,000 sites, with capacities that fit exactly. Times are medians of the
calls of one inference, maps included: by the clock, and of the processor on all cores, which other
work on the machine disturbs less. Memory is what the compiled program holds beside its arguments:
temporaries and outputs. A cost that follows the sites doubles where they double.
"""

from __future__ import annotations

import json
from typing import Any

import jax
import numpy as np
from absl import flags

import jaxsparse
from benchmarks import machine
from benchmarks.engines.cases import DEPTH
from benchmarks.images import tracks
from benchmarks.parameters import published_network
from benchmarks.programs import call_times, lower
from benchmarks.whole_network import geometry, inference
from jaxsparse import command_line, ops
from jaxsparse.errors import InputError
from jaxsparse.freed_memory import keep_freed_memory

EVENT_SITES, EVENT_SHAPE = 5000, (1000, 1000)
COSTS = {"ms": "ms", "cpu_ms": "CPU ms", "mb": "MB"}

_SITES = flags.DEFINE_list(
    "sites",
    "5000,10000,20000,40000,80000,160000,320000,640000,1280000,2000000",
    "Sites of each batch: multiples of 5,000.",
)
_REPEATS = flags.DEFINE_integer("repeats", 7, "Timed calls of each.", lower_bound=1)
_OUT = command_line.define_path(
    "out", None, "JSON file to write; without: only the table on the screen."
)


def main(_: list[str]) -> None:
    """Measures every size and prints, and writes, the table."""
    keep_freed_memory()
    rows: list[dict[str, Any]] = []
    print(f"{'sites':>8}", *(f"{title:>9} a doubling" for title in COSTS.values()), sep="")
    for text in _SITES.value:
        sites = int(text) if text.isdigit() else 0
        if sites < EVENT_SITES or sites % EVENT_SITES:
            raise InputError(f"--sites has {text!r}: must be multiples of {EVENT_SITES}")
        row = _measure(sites)
        if rows:
            doublings = np.log2(sites / rows[-1]["sites"])
            for key in COSTS:
                row[f"{key}_a_doubling"] = (row[key] / rows[-1][key]) ** (1 / doublings)
        rows.append(row)
        print(f"{sites:8d}", *(_columns(row, key) for key in COSTS), sep="", flush=True)
    if _OUT.value:
        record = {"machine": machine.record("benchmarks.growth"), "rows": rows}
        _OUT.value.write_text(json.dumps(record, indent=2) + "\n")


def _columns(row: dict[str, Any], key: str) -> str:
    grown = row.get(f"{key}_a_doubling")
    return f"{row[key]:9.1f}" + (f"{grown:11.2f}" if grown else " " * 11)


def _measure(sites: int) -> dict[str, Any]:
    events = sites // EVENT_SITES
    coords, values = zip(
        *(tracks(EVENT_SHAPE, EVENT_SITES, seed) for seed in range(events)), strict=True
    )
    number = np.repeat(np.arange(events, dtype=np.int32), EVENT_SITES)[:, None]
    rows = np.concatenate([number, np.concatenate(coords)], axis=1)
    x = jaxsparse.sparse_tensor(
        rows, np.concatenate(values)[:, None], spatial_shape=EVENT_SHAPE, batch_size=events
    )
    capacities = tuple(ops.count_levels(rows, DEPTH))
    network = published_network()

    key = jax.random.key(0)
    built = jax.eval_shape(lambda x: jaxsparse.geometry(x, levels=DEPTH, capacities=capacities), x)
    variables = jax.jit(lambda key: network.lazy_init(key, (x,), (built,), train=False))(key)
    program = lower(inference(network, geometry(capacities)), variables, x).compile()
    held = program.facts["temporaries_mb"] + program.facts["outputs_mb"]
    times = call_times(program.start, calls=_REPEATS.value)
    return {"sites": sites, "ms": times["ms"], "cpu_ms": times["cpu_ms"], "mb": held}


if __name__ == "__main__":
    command_line.run(main)
