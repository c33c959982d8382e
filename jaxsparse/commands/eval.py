"""Evaluates a trained network, of pixels or of whole events, on a file of events.

    jaxsparse eval --workdir=DIR --data=FILE --out=DIR
    jaxsparse eval --workdir=DIR --data=FILE --out=DIR --whole_plane
    jaxsparse eval --model=NAME --data=FILE --out=DIR

Writes into --out: ``metrics.json`` (all figures), ``report.md`` (the same to read) and
``report.html`` (the same as one page with all pictures), ``predictions.h5`` (the scores of every
pixel, or of every event), ``plots/`` and ``pictures/``.
``docs/evaluation.md`` defines every figure. Bad input prints one line, exits 2, and leaves --out as
it was.
"""

import signal
import sys

from absl import flags

from jaxsparse import command_line
from jaxsparse.data.event_file import EventFile
from jaxsparse.errors import InputError
from jaxsparse.freed_memory import keep_freed_memory
from jaxsparse.training.which_network import find_network, stored_config


def main(_: list[str]) -> int:
    """Entry point of the command line."""
    keep_freed_memory()
    values = flags.FLAGS
    if (values.workdir is None) == (values.model is None):
        raise InputError("workdir and model: give one of --workdir and --model")
    if values.model and not (values.data and values.out):
        raise InputError(f"model is {values.model}: give --data and --out with it")
    if values.model:
        find_network(values.model, values.checkpoint)
    else:
        stored_config(values.workdir)
    if values.data:
        EventFile(values.data)
    # Imported here so that all these mistakes answer at once.
    from jaxsparse.evaluation.evaluator import Options, evaluate
    from jaxsparse.evaluation.report import PICTURES
    from jaxsparse.evaluation.summary import summary
    from jaxsparse.training.signals import Stopped, stop_signals
    from jaxsparse.training.workdir import read_config

    out = values.out or values.workdir / "evaluation"
    options = Options(
        part=values.part,
        view=values.view,
        whole_plane=values.whole_plane,
        checkpoint=values.checkpoint,
        num_events=values.num_events,
        pictures=values.pictures,
        thresholds=values.thresholds,
        bootstrap_group=values.bootstrap_group,
        bad_events=values.bad_events or "",
        max_bad_events=values.max_bad_events,
        baseline_data=str(values.baseline_data or ""),
        value_scale=values.value_scale,
        grouping=values.grouping,
        joiner=str(values.joiner),
        operating_point=values.operating_point,
        true_classes=values.true_classes,
        seed=values.seed,
    )
    data = values.data
    if values.workdir:
        trained_with = read_config(values.workdir).data
        data = data or trained_with.validation or trained_with.train
    command = command_line.typed("jaxsparse eval")
    try:
        with stop_signals() as stop, stop.at_once():
            metrics = evaluate(values.workdir or values.model, data, out, options, command=command)
    except Stopped:
        print(
            f"stopped by {stop.caught}: {out} is as it was, the same command begins anew",
            file=sys.stderr,
        )
        return 128 + signal.Signals[stop.caught]
    print((out / "report.md").read_text(encoding="utf-8").partition(f"\n{PICTURES}\n")[0])
    for line in summary(metrics):
        print(f"{line.subject}: {line.figures}.")
    pages = [out / "report.html"]
    pages += [out / "heads" / head / "report.html" for head in metrics.get("heads", ())]
    print(f"Results and pictures are in {out}, to look at in {', '.join(map(str, pages))}.")
    return 0


def define_flags() -> None:
    command_line.define_path("workdir", None, "work directory of a training")
    command_line.define_path(
        "model",
        None,
        "in its place: a network's file, or the name of one that comes with jaxsparse",
    )
    command_line.define_path(
        "data",
        None,
        "event file; by default the one that the network was validated on, or that was split",
        one_file=True,
    )
    command_line.define_path(
        "out",
        None,
        "folder for the results; WORKDIR/evaluation by default, to be given with --model",
    )
    flags.DEFINE_string("view", "", "name of the view; by default the one trained on")
    flags.DEFINE_bool("whole_plane", False, "whole images instead of crops")
    flags.DEFINE_string("checkpoint", "best", "best, latest, or a step")
    flags.DEFINE_string(
        "part",
        "",
        "train, validation or test part of a file that data.split divides, or all; by default the "
        "last part of the file that was split, all of others",
    )
    flags.DEFINE_integer(
        "num_events", 0, "only so many events, spread evenly over the file or its part; 0 for all"
    )
    flags.DEFINE_integer(
        "pictures",
        8,
        "how many events to draw, evenly spaced; of events that are "
        "named also the surest of every class",
    )
    flags.DEFINE_list(
        "thresholds",
        None,
        "rules CLASS>SCORE to report beside the highest score; by default those of the detector",
    )
    flags.DEFINE_integer(
        "bootstrap_group",
        0,
        "so many consecutive event ids come from one simulated event (placements of a Geant4 "
        "event) and are resampled together; 0 takes what the file says",
    )
    flags.DEFINE_enum(
        "bad_events",
        None,
        ["error", "skip"],
        "for events that cannot be read: skip leaves them out and names them; by default as the "
        "training did (data.bad_events)",
    )
    flags.DEFINE_integer(
        "max_bad_events", None, "how many may be left out; by default data.max_bad_events"
    )
    command_line.define_path(
        "baseline_data", None, "file to fit the baseline on; by default other events of the file"
    )
    flags.DEFINE_float(
        "value_scale",
        1.0,
        "multiplies the values of the file, for data in other units than those trained on",
    )
    flags.DEFINE_string(
        "grouping",
        "",
        "how pixels become particles: linked, dbscan, neighbours; queries, which a network with a "
        "head instance does by itself; fragments or particles, the latter by itself with edges; "
        "embedded, by itself with a head embedding; joined, by itself with a joiner",
    )
    command_line.define_joiner()
    command_line.define_operating_point()
    flags.DEFINE_bool(
        "true_classes", False, "group by the true classes of the pixels, an upper bound"
    )
    command_line.define_seed(0, "of crop windows, folds and bootstrap samples")
