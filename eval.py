"""Evaluates a trained network, of pixels or of whole events, on a file of events.

    python eval.py --workdir=DIR --data=FILE --out=DIR
    python eval.py --workdir=DIR --data=FILE --out=DIR --whole_plane
    python eval.py --model=NAME --data=FILE --out=DIR

Writes into --out: ``metrics.json`` (all figures), ``report.md`` (the same to read),
``predictions.h5`` (the scores of every pixel, or of every event), ``plots/`` and ``pictures/``.
``docs/evaluation.md`` defines every figure. Bad input prints one line, exits 2, and leaves --out as
it was.
"""

from absl import flags

from jaxsparse import command_line
from jaxsparse.errors import InputError
from jaxsparse.freed_memory import keep_freed_memory

WORKDIR = command_line.define_path("workdir", None, "Work directory of train.py.")
MODEL = command_line.define_path(
    "model", None, "In its place: a network's file, or the name of one that comes with jaxsparse."
)
DATA = command_line.define_path(
    "data",
    None,
    "Event file; by default the one that the network was validated on, or that was split.",
)
OUT = command_line.define_path(
    "out", None, "Folder for the results; WORKDIR/evaluation by default, to be given with --model."
)
VIEW = flags.DEFINE_string("view", "", "Name of the view; by default the one trained on.")
WHOLE_PLANE = flags.DEFINE_bool("whole_plane", False, "Whole images instead of crops.")
CHECKPOINT = flags.DEFINE_string("checkpoint", "best", "best, latest, or a step.")
PART = flags.DEFINE_string(
    "part",
    "",
    "train, validation or test part of a file that data.split divides, or all; by default the last "
    "part of the file that was split, all of others.",
)
NUM_EVENTS = flags.DEFINE_integer(
    "num_events", 0, "Only so many events, spread evenly over the file or its part; 0 for all."
)
PICTURES = flags.DEFINE_integer("pictures", 8, "How many events to draw, evenly spaced.")
THRESHOLDS = flags.DEFINE_list(
    "thresholds",
    None,
    "Rules CLASS>SCORE to report beside the highest score; by default those of the detector.",
)
BOOTSTRAP_GROUP = flags.DEFINE_integer(
    "bootstrap_group",
    0,
    "So many consecutive event ids come from one simulated event (placements of a Geant4 event) "
    "and are resampled together; 0 takes what the file says.",
)
BAD_EVENTS = flags.DEFINE_enum(
    "bad_events",
    None,
    ["error", "skip"],
    "For events that cannot be read: skip leaves them out and names them; by default as the "
    "training did (data.bad_events).",
)
MAX_BAD_EVENTS = flags.DEFINE_integer(
    "max_bad_events", None, "How many may be left out; by default data.max_bad_events."
)
BASELINE_DATA = command_line.define_path(
    "baseline_data", None, "File to fit the baseline on; by default other events of the file."
)
VALUE_SCALE = flags.DEFINE_float(
    "value_scale", 1.0, "Multiplies the values of the file, for data in other units than ADC."
)
GROUPING = flags.DEFINE_string(
    "grouping",
    "",
    "How pixels become particles: linked, dbscan, neighbours, or queries, which is what a network "
    "with a head instance does by itself.",
)
TRUE_CLASSES = flags.DEFINE_bool(
    "true_classes", False, "Group by the true classes of the pixels, an upper bound."
)
SEED = command_line.define_seed(0, "Draws crop windows, folds and bootstrap samples.")


def main(_: list[str]) -> None:
    keep_freed_memory()
    # Imported here so that a misspelt flag answers at once.
    from jaxsparse.evaluation.evaluator import Options, evaluate
    from jaxsparse.training.workdir import read_config

    if (WORKDIR.value is None) == (MODEL.value is None):
        raise InputError("workdir and model: give one of --workdir and --model")
    if MODEL.value and not (DATA.value and OUT.value):
        raise InputError(f"model is {MODEL.value}: give --data and --out with it")
    out = OUT.value or WORKDIR.value / "evaluation"
    options = Options(
        part=PART.value,
        view=VIEW.value,
        whole_plane=WHOLE_PLANE.value,
        checkpoint=CHECKPOINT.value,
        num_events=NUM_EVENTS.value,
        pictures=PICTURES.value,
        thresholds=THRESHOLDS.value,
        bootstrap_group=BOOTSTRAP_GROUP.value,
        bad_events=BAD_EVENTS.value or "",
        max_bad_events=MAX_BAD_EVENTS.value,
        baseline_data=str(BASELINE_DATA.value or ""),
        value_scale=VALUE_SCALE.value,
        grouping=GROUPING.value,
        true_classes=TRUE_CLASSES.value,
        seed=SEED.value,
    )
    data = DATA.value
    if WORKDIR.value:
        trained_with = read_config(WORKDIR.value).data
        data = data or trained_with.validation or trained_with.train
    evaluate(WORKDIR.value or MODEL.value, data, out, options)
    print((out / "report.md").read_text(encoding="utf-8"))
    print(f"Results and pictures are in {out}.")


if __name__ == "__main__":
    command_line.run(main)
