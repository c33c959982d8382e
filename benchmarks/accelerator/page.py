"""The report: tables in Markdown of what the journal has, beside the field's figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.accelerator import field
from benchmarks.accelerator.equality import LIMIT, SMOOTH
from benchmarks.accelerator.journal import Record

NONE = "-"
RULES = tuple(dict.fromkeys(field.RULES.values()))


def page(records: Sequence[Record]) -> str:
    """The report of the steps taken so far."""
    facts = next((record for record in records if "platform" in record), {})
    parts = [
        *_head(facts, next((record for record in records if "copy_tb_per_s" in record), None)),
        *_equality(records),
        *_field(records, compare=facts.get("platform") not in (None, "cpu")),
        *_maps(records),
        *_network(records),
        *_training(records),
        *_steps(records),
    ]
    return "\n".join(parts) + "\n"


def _head(facts: Mapping[str, Any], rates: Mapping[str, Any] | None) -> Iterator[str]:
    yield f"# jaxsparse on {facts.get('device', 'a device that could not be asked')}"
    yield ""
    if not facts:
        return
    if "--smoke" in facts["command"]:
        yield "**Smoke mode: the sizes are tiny, no figure of this page is a measurement.**\n"
    rows = {
        "command": f"`{facts['command']}`, {facts['date']}",
        "device": f"{facts['devices']} x {facts['device']}, {facts['memory_gb']} GB",
        "driver": f"{facts['driver']}; {facts['runtime']}",
        "computer": f"{facts['cpu']}, {facts['cores']} cores, load {facts['load']:.1f}",
        "versions": f"Python {facts['python']}, JAX {facts['versions'].get('jax')}",
        "environment": ", ".join(f"{k}={v}" for k, v in facts["environment"].items()) or "none",
    }
    if rates:
        rows["rates"] = (
            f"bfloat16 product {rates['bfloat16_tflops']:.0f} TFLOP/s, copy "
            f"{rates['copy_tb_per_s']:.2f} TB/s, an empty call {rates['empty_call_us']:.0f} us"
        )
    yield from (f"- {name}: {value}" for name, value in rows.items())
    yield ""


def _equality(records: Sequence[Record]) -> Iterator[str]:
    rows = []
    for record in _done(records, "errors"):
        verdict = "equal" if record["equal"] else "**not equal**"
        if record["dtype"] != "float32":
            verdict = NONE
        errors = ", ".join(f"{name} {error:.1e}" for name, error in record["errors"].items())
        hashes = f"{record['hashes']} of {record['runs']}" if "runs" in record else NONE
        rows.append([record["step"], errors, verdict, hashes])
    yield from _section(
        "Equality with the CPU",
        "Largest difference over the largest value; float32 must stay within "
        f"{LIMIT:.0e}, bfloat16 is stated. The network's loss and gradient are taken "
        f"with {SMOOTH}: a ReLU opens on one side of a rounding error. Different results of "
        "repeated gradients: 1 is wanted.",
        ("step", "errors", "verdict", "different results"),
        rows,
    )


def _field(records: Sequence[Record], *, compare: bool) -> Iterator[str]:
    found = {
        (r["size"], r["events"], r["mode"], r["rule"]): r for r in _done(records, "with_maps_ms")
    }
    rows, ahead = [], []
    for size, events in field.FIGURES:
        for mode in field.MODES:
            cells = {rule: found.get((size, events, mode, rule)) for rule in RULES}
            if not any(cells.values()):
                continue
            engine, best = field.best_engine(size, events, mode)
            ours = cells[field.RULES[engine]]
            ratios = NONE
            if ours and compare:
                given, with_maps = (ours[key] / best for key in ("ms", "with_maps_ms"))
                ahead.append((given < 1, with_maps < 1))
                ratios = f"{given:.2f} / {with_maps:.2f}"
            memory = field.FIGURES[size, events][engine][2]
            held = f"{ours['held_mb']:.0f}" if ours else NONE
            if mode == "gradient":
                held += f" / {memory:.0f}"
            rows.append([
                f"{size} x {events} {mode}", f"{best:.2f} {engine}",
                *(_both(cells[rule]) for rule in RULES),
                ratios, held, f"{ours['compile_s']:.0f}" if ours else NONE,
            ])  # fmt: skip
    yield from _section(
        "The field's benchmark",
        "Theirs: https://github.com/youngsm/sparse-conv-benchmarks (27f7dae), an H200 NVL, "
        "bfloat16 (MinkowskiEngine and TorchSparse: float32), timed on the device, "
        "kernel maps excluded. "
        "Ours: by the clock, from the call to the result, bfloat16 features, seeded tracks of as "
        "many sites; maps given / maps built in every call. Ratios are to the fastest engine, with "
        "its rule of output sites: below 1 jaxsparse is ahead. MB are all arrays of a call. "
        "Programs are compiled side by side.",
        ("case", "field's best, ms", *(f"ms, {rule}" for rule in RULES),
         "ratios", "MB, field's", "compile s"),
        rows,
    )  # fmt: skip
    if ahead:
        given, with_maps = (sum(column) for column in zip(*ahead, strict=True))
        yield f"Ahead in {given} of {len(ahead)} with maps given, in {with_maps} with maps built.\n"


def _both(record: Record | None) -> str:
    return f"{record['ms']:.2f} / {record['with_maps_ms']:.2f}" if record else NONE


def _maps(records: Sequence[Record]) -> Iterator[str]:
    rows = [
        [str(r["events"]), r["rule"], str(r["capacities"]), *_costs(r)]
        for r in _done(records, "capacities")
    ]
    yield from _section(
        "Its maps alone",
        "All maps of four stages, from coordinates on.",
        ("events", "output sites", "rows of the stages", *_COSTS),
        rows,
    )


def _network(records: Sequence[Record]) -> Iterator[str]:
    rows = [
        [f"{r['image']} {r['case']}", r["dtype"], *_costs(r),
         f"{r['hashes']} of {r['runs']}" if "runs" in r else NONE]
        for r in _done(records, "image")
    ]  # fmt: skip
    yield from _section(
        "The whole network",
        "The published UResNet, maps built in every call; w1 is a plane of 17,400 sites, w3 a 3-D "
        "event of 20,000. Different results of repeated training steps: 1 is wanted.",
        ("case", "dtype", *_COSTS, "different results"),
        rows,
    )


def _training(records: Sequence[Record]) -> Iterator[str]:
    rows = [
        [r["config"], r["dtype"], f"{r['crops_per_s']:.1f}", str(r["batch_size"]), str(r["steps"]),
         str(r["workers"])]
        for r in _done(records, "crops_per_s")
    ]  # fmt: skip
    yield from _section(
        "Training",
        "Simulated planes, from the file on; compilation excluded.",
        ("config", "dtype", "crops/s", "batch", "steps", "worker processes"),
        rows,
    )


def _steps(records: Sequence[Record]) -> Iterator[str]:
    rows = [
        [r["step"], r["status"], f"{r['at_s']:.0f}", f"{r['seconds']:.1f}", r.get("why", "")]
        for r in records
    ]
    yield from _section("Steps", "", ("step", "", "from s", "took s", "why"), rows)


_COSTS = ("ms", "ms in a row of calls", "compile s", "MB")


def _costs(record: Record) -> list[str]:
    keys = ("ms", "burst_ms", "compile_s", "held_mb")
    return [f"{record[key]:.{digits}f}" for key, digits in zip(keys, (2, 2, 1, 0), strict=True)]


def _done(records: Sequence[Record], key: str) -> list[Record]:
    return [record for record in records if record["status"] == "done" and key in record]


def _section(
    title: str, words: str, columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> Iterator[str]:
    """A chapter with its table, if there is anything in it."""
    if not rows:
        return
    yield from (f"## {title}", "")
    if words:
        yield from (words, "")
    yield f"| {' | '.join(columns)} |"
    yield "| --- " * len(columns) + "|"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"
    yield ""
