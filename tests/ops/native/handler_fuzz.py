"""Calls every native handler with what a program may hand over by mistake; prints what went wrong.

A handler that reads or writes outside of its arrays ends the process, so this is a program of its
own: every call either raises one clear line or is right. The oracle is numpy in float64.
"""

from __future__ import annotations

import dataclasses
import sys

import jax
import jax.numpy as jnp
import numpy as np

from jaxsparse.ops.native import compiler

LENGTHS = (0, 1, 2, 5, 16, 17, 32, 70, 5000)
ROWS, TAPS, CHANNELS = (1, 5, 70, 300), (1, 3, 9), (16, 32, 48, 512)
TYPES = ("float32", "bfloat16", "int32", "float16", "bool")
EXTREME = (-(2**31), -1, 2**31 - 1)


@dataclasses.dataclass
class Case:
    """A call: arguments and results by name, in order."""

    arguments: dict[str, np.ndarray]
    results: dict[str, jax.ShapeDtypeStruct]

    def run(self, target: str) -> list[np.ndarray]:
        """The results of the handler."""
        # Without its side effect a call that has no results would not be made.
        call = jax.ffi.ffi_call(target, list(self.results.values()), has_side_effect=True)
        found = call(*(jnp.asarray(array) for array in self.arguments.values()))
        return [np.asarray(result, np.float64) for result in found]


def shaped(shape, dtype="float32"):
    return jax.ShapeDtypeStruct(shape, dtype)


def drawn(rng, shape, dtype="float32"):
    return rng.normal(size=shape).astype(jnp.dtype(dtype))


def table_of(rng, taps, rows, others, once=False):
    """Other rows of every row, some of them absent; with ``once`` in one tap of one row alone."""
    table = rng.integers(-1, others + 2, size=(taps, rows)).astype(np.int32)
    if once:
        table[:] = rng.choice(EXTREME, size=table.shape)
        some = rng.permutation(others)[:rows]
        table[rng.integers(taps, size=len(some)), np.arange(len(some))] = some
    return table


def convolution(rng, name):
    by_input, halves = "by_input" in name, "bfloat16" in name
    taps, rows, others = rng.choice(TAPS), rng.choice(ROWS), rng.choice(ROWS)
    channels, out = rng.choice(CHANNELS), rng.choice(CHANNELS)
    in_rows, out_rows = (rows, others) if by_input else (others, rows)
    return Case(
        {
            "x": drawn(rng, (in_rows, channels), "bfloat16" if halves else "float32"),
            "table": table_of(rng, taps, rows, others, once=by_input),
            "sizes": np.array([rng.integers(rows + 1), rng.integers(1, 1025)], np.int32),
            "w": drawn(rng, (taps, channels, out)),
        },
        {"out": shaped((out_rows, out), "bfloat16" if "rounded" in name else "float32")},
    )


def gradient(rng, name):
    halves, channelwise = "bfloat16" in name, "channelwise" in name
    taps, rows, others = rng.choice(TAPS), rng.choice(ROWS), rng.choice(ROWS)
    channels, out = rng.choice(CHANNELS), rng.choice(CHANNELS)
    out = channels if channelwise else out
    kind = "bfloat16" if halves else "float32"
    return Case(
        {
            "x": drawn(rng, (others, channels), kind),
            "table": table_of(rng, taps, rows, others),
            "sizes": np.array([rng.integers(rows + 1), rng.integers(1, 1025)], np.int32),
            "g": drawn(rng, (rows, out), kind),
        },
        {"out": shaped((rng.integers(1, 4), taps, *[channels, out][: 1 if channelwise else 2]))},
    )


def channelwise(rng, name):
    case = convolution(rng, name)
    rows, channels = case.arguments["table"].shape[1], case.arguments["x"].shape[1]
    case.arguments["w"] = drawn(rng, (len(case.arguments["table"]), channels))
    case.results["out"] = shaped((rows, channels), case.results["out"].dtype)
    return case


def moments(rng, name):
    rows, channels, blocks = rng.choice(ROWS), rng.integers(16, 70), rng.integers(1, 5)
    return Case(
        {
            "x": drawn(rng, (rows, channels), kind_of(name)),
            "num_active": np.array(rng.integers(rows + 1), np.int32),
        },
        {"out": shaped((2, channels)), "parts": shaped((blocks, 2, channels))},
    )


def channel_map(rng, name):
    rows, channels, blocks = rng.choice(ROWS), rng.integers(16, 70), rng.integers(1, 5)
    arrays = {"normalise": ["x"], "project": ["u", "x"], "spread": ["v", "x"]}
    lines = 6 if "spread" in name else 4
    results = {"out": shaped((rows, channels), kind_of(name))}
    if "project" in name:
        results |= {"sums": shaped((2, channels)), "parts": shaped((blocks, 2, channels))}
    return Case(
        {
            **{key: drawn(rng, (rows, channels), kind_of(name)) for key in arrays[part(name)]},
            "lines": drawn(rng, (lines, channels)),
            "sizes": np.array([rng.integers(rows + 1), rng.integers(1, 200)], np.int32),
        },
        results,
    )


def kind_of(name):
    return "bfloat16" if "bfloat16" in name else "float32"


def part(name):
    return name.removeprefix("jaxsparse_").removesuffix("_bfloat16")


def expected_rows(given, active):
    """What a map of rows with numbers for every channel gives."""
    x, lines = given["x"][:active], given["lines"]
    distance = x - lines[0]
    rows = np.maximum(distance * lines[1] + lines[2], lines[3])
    if "u" in given or "v" in given:
        rows = lines[1] * given.get("u", given.get("v"))[:active]
        if "v" in given:
            rows += lines[4] + lines[5] * distance
        rows = np.where(lines[2] * distance + lines[3] <= 0, 0, rows)
    return np.pad(rows, [(0, len(given["x"]) - active), (0, 0)])


def sites(rng, name):
    shape = rng.integers(2, 9, size=rng.integers(1, 4))
    coords = np.argwhere(rng.random((2, *shape)) < 0.4).astype(np.int32)[:300]
    rows, axes = max(1, len(coords)), coords.shape[1]
    coords = np.resize(coords, (rows, axes)) if len(coords) else np.zeros((1, axes), np.int32)
    given = {"coords": coords, "num_active": np.array(rng.integers(rows + 1), np.int32)}
    if "halved" in name:
        given["sizes"] = np.array([2, *(shape + 1) // 2], np.int32)
        capacity, words = rng.choice(ROWS), -(-int(np.prod(given["sizes"])) // 32)
        results = {
            "coarse": (capacity, axes), "count": (), "slot": (rows,),
            "children": (2 ** (axes - 1), capacity), "cells": (2, words),
        }  # fmt: skip
    else:
        given["sizes"] = np.array([2, *shape + 2], np.int32)
        early = rng.choice([0, 1, 4])
        given["steps"] = np.array(rng.integers(-1, 2, size=(early, axes)), np.int32)
        given["steps"][:, 0] = 0
        results = {"table": (2 * early + 1, rows), "places": (rows, 2)}
    return Case(given, {key: shaped(shape, "int32") for key, shape in results.items()})


def expected_of_sites(given, shape):
    """``coarse``, or the taps of ``table`` up to the central one."""
    coords = given["coords"][: np.clip(given["num_active"], 0, len(given["coords"]))]
    if "steps" in given:
        found = np.full(shape, len(given["coords"]))
        row_of = {tuple(place): row for row, place in enumerate(coords.tolist())}
        for tap, step in enumerate([*given["steps"], 0 * coords[:1].sum(0)]):
            for row, place in enumerate(coords):
                found[tap, row] = row_of.get(tuple(place + step), len(given["coords"]))
        return found[: len(given["steps"]) + 1]
    found = np.full(shape, -1)
    halves = np.unique(coords >> np.minimum(np.arange(coords.shape[1]), 1), axis=0)[: shape[0]]
    found[: len(halves)] = halves
    return found


def expected(name, case):
    """What the first result, summed over ranges, must be."""
    if "coords" in case.arguments:
        return expected_of_sites(case.arguments, next(iter(case.results.values())).shape)
    given = {
        key: value if value.dtype == np.int32 else value.astype(np.float64)
        for key, value in case.arguments.items()
    }
    if "lines" in given:
        return expected_rows(given, np.clip(given["sizes"][0], 0, len(given["x"])))
    if "num_active" in given:
        active = np.clip(given["num_active"], 0, len(given["x"]))
        x = given["x"][:active]
        return np.stack([x.sum(0), ((x - x.sum(0) / max(active, 1)) ** 2).sum(0)])
    by_input, channelwise = "by_input" in name, "channelwise" in name
    product = np.multiply if channelwise else np.matmul
    result = np.zeros(case.results["out"].shape)
    if "g" in given:
        result = result[0]
    x, table = given["x"], given["table"]
    if "w" in given and "bfloat16" in name and not channelwise:
        given["w"] = given["w"].astype(jnp.bfloat16).astype(np.float64)
    active = np.clip(given["sizes"][0], 0, table.shape[1])
    for tap, line in enumerate(table[:, :active]):
        own = np.flatnonzero((line >= 0) & (line < (len(result) if by_input else len(x))))
        other = line[own]
        if "g" in given:
            pairs = x[other], given["g"][own]
            result[tap] = (pairs[0] * pairs[1]).sum(0) if channelwise else pairs[0].T @ pairs[1]
        elif by_input:
            result[other] += product(x[own], given["w"][tap])
        else:
            result[own] += product(x[other], given["w"][tap])
    return result


def spoil(rng, case):
    """One mistake: a number, a length, a type, a rank, an array too few or too many."""
    group = case.arguments if rng.random() < 0.8 else case.results
    name = rng.choice(list(group))
    array = group[name]
    shape, kind = list(array.shape), rng.choice(["value", "length", "type", "rank", "count"])
    if kind == "count":
        if rng.random() < 0.5:
            del group[name]
        else:
            group["more"] = array
        return
    if kind == "value" and group is case.arguments and array.dtype == np.int32:
        flat = array.reshape(-1)
        for _ in range(min(3, flat.size)):
            flat[rng.integers(flat.size)] = rng.choice(EXTREME)
        return
    dtype = rng.choice(TYPES) if kind == "type" else array.dtype
    if kind == "rank":
        shape = shape[1:] if rng.random() < 0.5 else [1, *shape]
    elif kind != "type" and shape:
        shape[rng.integers(len(shape))] = rng.choice(LENGTHS)
    if group is case.results:
        group[name] = shaped(tuple(shape), dtype)
    else:
        group[name] = np.resize(array, shape).astype(jnp.dtype(dtype))


def drawers():
    kinds = {
        "weight_gradient": gradient, "channelwise_apply": channelwise, "moments": moments,
        "normalise": channel_map, "project": channel_map, "spread": channel_map,
        "neighbours": sites, "halved": sites,
    }  # fmt: skip
    families = [family for family in compiler.FAMILIES if compiler.lanes(family)]
    for name in (name for family in families for name in family):
        yield name, next((draw for kind, draw in kinds.items() if kind in name), convolution)


def main(calls: int) -> None:
    """Makes so many calls of every handler, a third of them without a mistake."""
    rng = np.random.default_rng(0)
    raised = 0
    for name, draw in drawers():
        target = compiler.target(name)
        for number in range(calls):
            case = draw(rng, name)
            if number % 3:
                spoil(rng, case)
            shapes = {
                key: (value.dtype.name, value.shape)
                for key, value in {**case.arguments, **case.results}.items()
            }
            try:
                found = case.run(target)[0]
            except (RuntimeError, ValueError) as error:
                raised += 1
                text = str(error)
                clear = f"INVALID_ARGUMENT: {target}: " in text and " must be " in text
                if not number % 3 or not clear or "\n" in text:
                    print(f"{name} {shapes} raised {text}")
                continue
            if "g" in case.arguments:
                found = found.sum(0)
            if "coords" in case.arguments and number % 3:
                continue  # rows that are not in order have no neighbours to be found
            wanted = expected(name, case)
            found = found[: len(wanted)]
            scale = 2**-8 if next(iter(case.results.values())).dtype == jnp.bfloat16 else 1e-5
            terms = max(10, len(next(iter(case.arguments.values()))) / 5)
            if found.shape != wanted.shape or not np.allclose(found, wanted, scale, scale * terms):
                print(f"{name} {shapes} is wrong")
    print(f"{raised} refused", file=sys.stderr)


if __name__ == "__main__":
    main(int(sys.argv[1]))
