"""Cross-validates a config on a small file of events, with the forest on the same folds.

    python -m jaxsparse.evaluation.studies.cross_validate --config=RECIPE \\
        --data=FILE --out=DIR --folds=5 --repeats=3

Trains folds x repeats networks, each on a file without one fold, and scores that fold with the
last checkpoint. Nothing is chosen by looking at the left-out fold: training validates on nothing,
so the config needs a schedule that asks for no validation (constant, cosine). Events with equal
pixels stay in one fold. A run that was stopped goes on with the fold that it stopped at. Writes
into --out: ``metrics.json`` (figures pooled over folds, of the network and the forest, and their
paired difference), ``confusion.png``, ``scores.npz`` (scores of every event in every repeat) and
the work directories, without checkpoints.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags
from ml_collections import ConfigDict
from scipy.special import softmax

from jaxsparse import command_line, settings
from jaxsparse.data.copying import copy_events
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.partition import content_hashes
from jaxsparse.detectors import TopologyWords
from jaxsparse.errors import InputError, one_line
from jaxsparse.evaluation.data_set import DataSet
from jaxsparse.evaluation.metrics.profiles import group_counts
from jaxsparse.evaluation.options import Options
from jaxsparse.evaluation.output import refuse_inputs, staged
from jaxsparse.evaluation.scored import Scored
from jaxsparse.evaluation.scores import efficiency
from jaxsparse.evaluation.studies.comparison import compare
from jaxsparse.evaluation.studies.folds import CrossValidated, stratified_folds
from jaxsparse.evaluation.studies.forest import cross_scores, have_forest
from jaxsparse.evaluation.studies.forest_guess import summaries
from jaxsparse.evaluation.text import dumps
from jaxsparse.paths import make_folder
from jaxsparse.strict_json import plain
from jaxsparse.training.chosen_config import chosen_config
from jaxsparse.training.data import with_class_names
from jaxsparse.training.objectives import main_head
from jaxsparse.viz.plots import confusion_figure
from jaxsparse.whole_file import whole_file

RESULTS = ("metrics.json", "scores.npz", "confusion.png")
# Of metrics.json, beside the words of a detector.
KEYS = (
    "data", "num_bad_events", "classes", "folds", "seed", "draws", "network", "forest",
    "network_against_forest",
)  # fmt: skip
# (config, work directory, file with the test events) -> float32 [test events, classes]
TrainAndScore = Callable[[ConfigDict, Path, Path], np.ndarray]


def cross_validate(
    config: ConfigDict,
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    folds: int = 5,
    repeats: int = 1,
    seed: int = 0,
    draws: int = 0,
    train_and_score: TrainAndScore | None = None,
) -> dict[str, Any]:
    """Trains and tests on every fold of every repeat.

    Args:
      config: of a classification; its ``data.train``, ``validation`` and ``split`` are set here,
        and ``seed`` is raised by one a network.
      data: an event file; events of classes that the config does not choose are left out.
      out: folder for the results.
      folds: parts of the events, each left out once.
      repeats: independent partitions.
      seed: of the partitions, of the forest's trees and of the bootstrap.
      draws: passes over the mirrored and moved events that scores are the mean of, see
        :func:`~jaxsparse.evaluation.studies.event_logits.event_logits`.
      train_and_score: the network's training, :func:`train_network` if ``None``.

    Returns:
      The content of ``metrics.json``: ``network`` and ``forest``
      (:meth:`~jaxsparse.evaluation.studies.folds.CrossValidated.summary`; the forest is
      ``None`` without scikit-learn), ``network_against_forest``
      (:func:`~jaxsparse.evaluation.studies.comparison.compare`), ``folds``, ``seed``, ``draws``,
      ``classes``, ``data``, ``num_bad_events``; and where the detector has words for the events of
      one class, as ``tau_decay``, {word: events, network, forest: part called that class}.

    Raises:
      InputError: bad options, a config whose main head is another, or that validates; a
        detector whose words are named as another figure.
    """
    if main_head(config) != "event":
        raise InputError(
            f"main_head is {main_head(config)!r}: only what names events is cross-validated"
        )
    if repeats < 1:
        raise InputError(f"--repeats={repeats}: there must be one or more")
    if config.optimizer.schedule == "plateau":
        raise InputError(
            "optimizer.schedule is 'plateau', which looks at validations: set it to constant or "
            "cosine, a left-out fold must choose nothing"
        )
    if draws < 0:
        raise InputError(f"--draws={draws}: it must not be negative, 0 scores events as they are")
    settings.check("", {"seed": seed})
    out = Path(out)
    refuse_inputs(out, {"data": data}, (*RESULTS, *(f"repeat_{r}" for r in range(repeats))))
    config = with_class_names(config, {"classes": EventFile(data).event_classes})
    events = DataSet(data, config, Options(part="all"))
    for name in KEYS:
        if name in events.detector.topology_words:
            raise InputError(
                f"The detector {events.detector.name!r} has topology_words named {name!r}, which "
                "metrics.json has another figure for: give them another name."
            )
    known = events.truth >= 0
    numbers, truth = events.numbers[known], events.truth[known]
    copies = content_hashes(events.source, events.views)[numbers]
    fold = stratified_folds(truth, folds, repeats=repeats, seed=seed, groups=copies)
    run = train_and_score or functools.partial(train_network, draws=draws)
    scores = np.zeros((repeats, len(truth), len(events.classes)), np.float32)
    if train_and_score is None and not config.data.capacities:
        config = config.copy_and_resolve_references()
        config.data.capacities = shared_capacities(config, events)
    for repeat, number in np.ndindex(repeats, folds):
        test = fold[repeat] == number
        own = config.copy_and_resolve_references()
        own.seed = config.seed + repeat * folds + number
        folder = out / f"repeat_{repeat}" / f"fold_{number}"
        scores[repeat, test] = _fold_scores(
            run, own, events.source, folder, numbers, test, draws=draws
        )
    network = CrossValidated(scores, truth, events.classes)
    forest = None
    if have_forest():
        features = summaries(events, numbers)
        forest = CrossValidated(
            cross_scores(features, truth, fold, len(events.classes), seed=seed), truth,
            events.classes,
        )  # fmt: skip
    topology = events.topologies[numbers].tolist()
    metrics = plain(
        {
            "data": str(data),
            "num_bad_events": events.num_bad_events,
            "classes": list(events.classes),
            "folds": folds,
            "seed": seed,
            "draws": draws,
            "network": network.summary(seed=seed),
            "forest": None if forest is None else forest.summary(seed=seed),
            "network_against_forest": (
                None if forest is None else compare(network.right, forest.right, seed=seed)
            ),
            **{
                name: _by_word(network, forest, [words.of(text) for text in topology], words)
                for name, words in events.detector.topology_words.items()
                if words.of_class
            },
        }
    )
    baseline = np.zeros((0, *scores.shape[1:]), np.float32) if forest is None else forest.scores
    shown = {**metrics["network"], "classes": metrics["classes"], "task": "classification"}
    with staged(out) as folder:
        np.savez(
            folder / "scores.npz", scores=scores, forest=baseline, truth=truth, event=numbers,
            fold=fold,
        )  # fmt: skip
        (folder / "metrics.json").write_text(dumps(metrics), encoding="utf-8")
        confusion_figure(shown).savefig(folder / "confusion.png")
    return metrics


def shared_capacities(config: ConfigDict, events: DataSet) -> tuple[tuple[int, ...], ...]:
    """Capacities for all folds, measured on all events: the folds share their compiled programs.

    They say how large batches are, nothing of what the events are.
    """
    from jaxsparse import models
    from jaxsparse.data.measured_buckets import measure_buckets
    from jaxsparse.data.pipeline import Pipeline
    from jaxsparse.training.parallel import local_devices, split_cpu

    split_cpu(config.train.cpu_devices)
    pipeline = Pipeline(
        events.source, config.data, levels=models.geometry_of(config.model)["levels"],
        seed=config.seed, augment=True,
    )  # fmt: skip
    buckets = measure_buckets(
        pipeline, events.numbers[events.truth >= 0], batch_size=config.train.batch_size,
        num_shares=len(local_devices(config.train.devices)) * config.train.accumulate,
        num_buckets=config.data.num_buckets, capacities=config.data.capacities,
    )  # fmt: skip
    return buckets.capacities[: buckets.measured]


def train_network(config: ConfigDict, workdir: Path, test: Path, draws: int = 0) -> np.ndarray:
    """Trains in a work directory and scores the events of a file with the last checkpoint."""
    from jaxsparse.evaluation.studies.event_logits import event_logits
    from jaxsparse.training.checkpoint import load_for_evaluation
    from jaxsparse.training.loop import train

    if train(config, workdir).stopped:  # its network is half trained
        raise KeyboardInterrupt
    trained = load_for_evaluation(workdir, step="latest")
    events = DataSet(test, trained.config, Options(part="all"))
    return softmax(event_logits(trained, events, draws=draws), axis=1)


def _fold_scores(
    run: TrainAndScore,
    config: ConfigDict,
    source: Any,
    folder: Path,
    numbers: np.ndarray,
    test: np.ndarray,
    *,
    draws: int,
) -> np.ndarray:
    """Scores of the left-out events; those of an earlier run if it had ended and was the same."""
    config.data.train, config.data.validation = str(folder / "train.h5"), ""
    config.data.split = ()
    done, asked = folder / "scores.npy", json.loads(config.to_json())
    note = {"config": asked, "test": numbers[test].tolist(), "draws": draws}
    remembered = folder / "fold.json"
    make_folder(folder, "out")
    if remembered.is_file():
        if _read(remembered) != note:
            raise InputError(
                f"{folder} is of another config, seed or file: give another --out, or remove it"
            )
        if done.is_file():
            return _read_scores(done, (int(test.sum()), config.model.heads.event.num_classes))
    # Both take their names when they are whole: a run that is killed goes on from them.
    with whole_file(remembered, "out") as partial:
        partial.write_text(json.dumps(note), encoding="utf-8")
    copy_events(source, numbers[~test], folder / "train.h5")
    copy_events(source, numbers[test], folder / "test.h5")
    workdir = folder / "network"  # of its own: a training warns of a folder with other files
    scores = run(config, workdir, folder / "test.h5")
    with whole_file(done, "out") as partial:
        np.save(partial, scores)
    for path in (folder / "train.h5", folder / "test.h5"):
        path.unlink()
    # Twenty-five networks fill a disk, and nobody asks for their weights again.
    shutil.rmtree(workdir / "checkpoints", ignore_errors=True)
    return scores


def _read(path: Path) -> Any:
    """What JSON a file has, ``None`` if it has none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _read_scores(path: Path, shape: tuple[int, int]) -> np.ndarray:
    try:
        scores = np.load(path, allow_pickle=False)
        if scores.shape != shape or not np.isfinite(scores).all():
            raise ValueError(f"{scores.shape} numbers, must be {shape} and finite")
        return scores
    except (OSError, ValueError, EOFError, TypeError) as error:
        text = one_line(error)
        raise InputError(
            f"{path} cannot be read ({text}): remove it to train this fold again"
        ) from None


def _by_word(
    network: CrossValidated, forest: CrossValidated | None, found: list[str], words: TopologyWords
) -> dict[str, Any] | None:
    """Efficiency for the class of the words by the word of an event, mean over repeats."""
    names = sorted(set(found) - {""})
    if not names or words.of_class not in network.classes:
        return None
    label = network.classes.index(words.of_class)
    group = np.array([names.index(name) if name else -1 for name in found])

    def called(validated: CrossValidated) -> np.ndarray:
        tables = [
            group_counts(Scored.of(one, validated.truth, validated.classes), group, len(names))
            for one in validated.scores
        ]
        return efficiency(np.sum(tables, axis=0))[:, label]

    parts = {"network": called(network), "forest": None if forest is None else called(forest)}
    own = np.bincount(group[(group >= 0) & (network.truth == label)], minlength=len(names))
    return {
        name: {
            "events": int(own[i]),
            **{key: None if part is None else float(part[i]) for key, part in parts.items()},
        }
        for i, name in enumerate(names)
    }


def main(_: list[str]) -> None:
    """Entry point of the command line."""
    values = flags.FLAGS
    config = chosen_config(values.config).config
    metrics = cross_validate(
        config, values.data, values.out, folds=values.folds, repeats=values.repeats,
        seed=values.seed, draws=values.draws,
    )  # fmt: skip
    for name in ("network", "forest"):
        if (entry := metrics[name]) is not None:
            print(f"{name}: accuracy {entry['accuracy']:.4f} ± {entry['error']:.4f}")
    if (pair := metrics["network_against_forest"]) is not None:
        print(f"difference {pair['difference']:+.4f} ± {pair['error']:.4f}, p {pair['p_value']}")


if __name__ == "__main__":
    command_line.define_config()
    command_line.define_path("data", None, "Event file.")
    command_line.define_path("out", None, "Folder for the results.")
    flags.DEFINE_integer("folds", 5, "Parts of the events, each left out once.")
    flags.DEFINE_integer("repeats", 1, "Independent partitions.")
    command_line.define_seed(0, "Of partitions, trees and bootstrap samples.")
    flags.DEFINE_integer("draws", 0, "Passes over mirrored and moved events that are averaged.")
    flags.mark_flags_as_required(["config", "data", "out"])
    command_line.run(main)
