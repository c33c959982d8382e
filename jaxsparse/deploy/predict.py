"""The scores of every pixel or event of files, streamed into one file that a kill does not cost.

What is done is kept in parts beside the result (:mod:`jaxsparse.deploy.parts`). The result is made
of them at the end, column by column, so that it does not depend on where the run was interrupted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxsparse.data.event_layout import partial_of
from jaxsparse.data.overwriting import refuse_overwriting
from jaxsparse.data.progress import with_progress
from jaxsparse.deploy.identity import identity_of
from jaxsparse.deploy.inputs import Input, Inputs
from jaxsparse.deploy.model import Model
from jaxsparse.deploy.parts import Parts
from jaxsparse.deploy.result_file import count_unscored, is_of_run, join
from jaxsparse.deploy.rows import ROWS, Columns, Looked, Rows, heads_of
from jaxsparse.errors import InputError
from jaxsparse.paths import user_path
from jaxsparse.training.chosen_joiner import OWN, announce_own, chosen_joiner, read_joiner
from jaxsparse.training.objectives import main_head
from jaxsparse.training.parallel import enable_compilation_cache
from jaxsparse.training.signals import Stopped, StopSignals, stop_signals
from jaxsparse.training.trained import images_of, load_trained
from jaxsparse.versions import versions

PART_SECONDS, PART_ROWS = 60.0, 1 << 20  # of work, and in memory, before a part is written


@dataclasses.dataclass(frozen=True)
class Summary:
    """How a run ended.

    Attributes:
      events: of all files.
      done: of them, by this run and earlier ones.
      bad: that could not be read; 0 before the end.
      unseen: of which the network sees no pixel, if it scores whole events; 0 before the end.
      rate: events a second of this run; 0 if there was nothing to do.
      stopped: name of the signal that ended it; empty at the end.
    """

    events: int
    done: int
    bad: int = 0
    unseen: int = 0
    rate: float = 0.0
    stopped: str = ""


def predict(
    place: str | os.PathLike[str],
    inputs: Sequence[Input],
    out: str | os.PathLike[str],
    *,
    step: str | int = "best",
    value_scale: float = 1.0,
    joiner: str | os.PathLike[str] | None = OWN,
    operating_point: str = "",
    options: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    part_seconds: float = PART_SECONDS,
    quiet: bool = False,
) -> Summary:
    """Writes what a network says of all events of some files.

    Args:
      place: of the network, as :func:`~jaxsparse.training.trained.load_trained` takes it.
      inputs: the files.
      out: HDF5 file to make, ``docs/predict.md``. One that the same run made is left as it is.
      step: of a work directory.
      value_scale: multiplies the values of the files.
      joiner: joins fragments, as :func:`jaxsparse.load` takes it.
      operating_point: of the network, as :func:`jaxsparse.load` takes it.
      options: with which the inputs are opened, as JSON can hold them. A run that goes on must have
        the same ones.
      overwrite: whether a file of another run may be replaced.
      part_seconds: of work that a kill may cost.
      quiet: no progress bar.

    Raises:
      InputError: a file that cannot be read or does not fit the network, a result that is there or
        cannot be written. What is done stays.
    """
    if not 0 < value_scale < float("inf"):
        raise InputError(f"value_scale is {value_scale}: it must be positive, leave it out")
    out, trained = Path(out), load_trained(place, step, operating_point=operating_point)
    warn = _WarnOnce()
    chosen = chosen_joiner(joiner, place)
    own = read_joiner(chosen, trained)
    if not quiet:
        announce_own(joiner, chosen)
    model = Model(trained, warn, own, images_of(place))
    network = _Network(model, warn, main_head(trained.config))
    files = Inputs(inputs, network.model.views, network.model.dim, value_scale)
    refuse_overwriting("out", out, [*files.paths, place])
    run = {
        "model": identity_of(place, trained),
        "inputs": list(zip(files.counts.tolist(), files.digests, strict=True)),
        "options": {
            **(options or {}),
            "value_scale": value_scale,
            **({"joiner": own.sha256} if own else {}),
            **({"operating_point": operating_point} if operating_point else {}),
        },
        "versions": {**versions(["jax", "jaxlib", "numpy"]), "platform": jax.default_backend()},
    }
    whole = is_of_run(out, run)
    _refuse(out, whole or overwrite)
    with contextlib.suppress(InputError):  # without a folder for programs it starts later
        enable_compilation_cache(trained.config.train.cache_dir)
    with contextlib.closing(Parts(out, run, len(files))) as parts, stop_signals() as stop:
        begin, todo = time.perf_counter(), [] if whole else parts.missing()
        number = sum(map(len, todo))
        try:
            if not whole:
                _add_parts(network, files, parts, stop, part_seconds, quiet)
                with stop.at_once():
                    if stop.caught:
                        raise Stopped(stop.caught)
                    called = {"model": os.fspath(place), "inputs": files.names}
                    join(parts, out, network.heads, run, network.model.views, called)
        except (Stopped, InputError) as error:
            done = len(files) - sum(map(len, parts.missing()))
            if isinstance(error, Stopped):
                return Summary(len(files), done, stopped=stop.caught)
            kept = f"; {done:,} of {len(files):,} events are kept, the same command goes on"
            raise InputError(f"{error}{kept if done else ''}") from None
        parts.remove()
    rate = number / (time.perf_counter() - begin)
    return Summary(len(files), len(files), *count_unscored(out), rate)


def _refuse(out: Path, replace: bool) -> None:
    """Refuses a result that could not take its name in the end."""
    if os.path.lexists(out) and not replace:
        raise InputError(
            f"out is {out}, which is there and not of this run: choose another name, or replace it "
            "with --overwrite"
        )
    if os.path.lexists(out) and not out.is_file():
        raise InputError(f"out is {out}, which is there and no file: choose another name")
    user_path(str(partial_of(out)), "out")


class _WarnOnce:
    """Says once of every kind that events look odd, and of which."""

    def __init__(self) -> None:
        self.where = ""
        self._said: set[str] = set()

    def __call__(self, lines: Mapping[str, str]) -> None:
        for kind, text in lines.items():
            if kind not in self._said:
                print(f"warning: {self.where}: {text} (said once)", file=sys.stderr)
            self._said.add(kind)


class _Network:
    """A network and what is stored of it.

    Attributes:
      model: the network.
      heads: what is stored, by group of the file.
      batch_size: events that go through at once.
    """

    def __init__(self, model: Model, warn: _WarnOnce, main: str):
        self.model, self._warn = model, warn
        heads = heads_of(model)
        if not heads:
            names = ", ".join(model.config.model.heads)
            raise InputError(
                f"the network's heads are {names}: none of them gives "
                f"scores of {', '.join(ROWS)}, evaluate it on a file, jaxsparse eval"
            )
        first = main if main in heads else heads[0]
        self.heads: dict[str, Rows] = {
            "" if name == first else f"heads/{name}/": ROWS[name](model) for name in heads
        }
        # As in an evaluation: what is multiplied at once changes the last bits.
        train = model.config.train
        self.batch_size = (
            1 if "semantic" in model.classes else -(-train.batch_size // train.accumulate)
        )

    def columns(self, files: Inputs, numbers: Sequence[int], slots: int) -> Columns:
        """The rows of some events, of which ``slots`` go through the network at once."""
        events, bad = files.read(numbers)
        for error in bad.values():
            print(f"left out: {error}", file=sys.stderr)
        scores: dict[int, Any] = {}
        if events:
            more = f" to {files.place(max(events))[1]}" if len(events) > 1 else ""
            self._warn.where = files.name_of(min(events)).replace(" of ", f"{more} of ", 1)
            given = list(events.values())
            given += given[-1:] * (slots - len(given))
            found = self.model.of_events(given, batch_size=slots)
            scores = dict(zip(events, found, strict=False))
        looked = [
            Looked(*files.place(number), events.get(number), scores.get(number))
            for number in numbers
        ]
        return {
            group + name: rows
            for group, head in self.heads.items()
            for name, rows in head.of(looked).items()
        }


def _add_parts(
    network: _Network,
    files: Inputs,
    parts: Parts,
    stop: StopSignals,
    seconds: float,
    quiet: bool,
) -> None:
    """Computes what is in no part, until a signal comes."""
    todo = parts.missing()
    number = sum(map(len, todo))
    if number < len(files) and not quiet:
        print(f"going on: {len(files) - number:,} of {len(files):,} events are done", flush=True)
    events = with_progress(itertools.chain(*todo), number, "predicting", quiet=quiet)
    with contextlib.closing(events):
        for span in todo:
            first = span.start
            for last, columns in _portions(network, files, span, events, stop, seconds):
                parts.write(range(first, last), columns)
                first = last
            if stop.caught:
                return
        next(events, None)  # so that the bar comes to its end


def _portions(
    network: _Network,
    files: Inputs,
    span: range,
    events: Iterator[int],
    stop: StopSignals,
    seconds: float,
) -> Iterator[tuple[int, Columns]]:
    """Number of the event after each part, and its rows; the last at a signal."""
    waiting: list[Columns] = []
    begin, rows = time.perf_counter(), 0
    for batch, slots in files.batches(span, network.batch_size):
        numbers = list(itertools.islice(events, len(batch)))  # moves the progress bar
        waiting.append(network.columns(files, numbers, slots))
        rows += max(map(len, waiting[-1].values()))
        due = time.perf_counter() - begin >= seconds or rows >= PART_ROWS
        if due or stop.caught or batch.stop == span.stop:
            yield batch.stop, _together(waiting)
            waiting, begin, rows = [], time.perf_counter(), 0
        if stop.caught:
            return


def _together(portions: Sequence[Columns]) -> Columns:
    return {name: np.concatenate([columns[name] for columns in portions]) for name in portions[0]}
