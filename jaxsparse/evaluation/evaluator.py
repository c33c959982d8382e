"""Evaluates a checkpoint on a file: one pass over its events, with the metrics of every head."""

from __future__ import annotations

import dataclasses
import os
import platform
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxsparse.evaluation.data_set import DataSet
from jaxsparse.evaluation.heads import HEADS, EvaluatedHead
from jaxsparse.evaluation.metrics.metric import Measured
from jaxsparse.evaluation.options import Options
from jaxsparse.evaluation.output import refuse_inputs, staged
from jaxsparse.evaluation.report import Origin, page, with_pictures
from jaxsparse.evaluation.summary import summary, task_of
from jaxsparse.evaluation.text import dumps
from jaxsparse.inference import Predictor
from jaxsparse.peak_memory import device_peak_memory_mb, peak_memory_mb
from jaxsparse.strict_json import plain
from jaxsparse.training.chosen_joiner import announce_own, chosen_joiner, read_joiner
from jaxsparse.training.logs import METRICS_FILE
from jaxsparse.training.objectives import main_head
from jaxsparse.training.parallel import enable_compilation_cache
from jaxsparse.training.trained import images_of, load_trained
from jaxsparse.training.trained_network import Trained
from jaxsparse.training.which_network import CONFIG_FILE
from jaxsparse.training.workdir import read_inputs
from jaxsparse.versions import versions

__all__ = ["Options", "evaluate"]

DEFAULTS = Options()
REPORT = "report.html"
FIT_EVENTS = 200  # of a file of images that a baseline of pixels is fitted on: they are large


def evaluate(
    model: str | os.PathLike[str],
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    options: Options = DEFAULTS,
    *,
    quiet: bool = False,
    command: str = "",
) -> dict[str, Any]:
    """Evaluates a checkpoint on a file.

    Writes ``metrics.json``, ``predictions.h5``, ``report.md``, the same as one page
    ``report.html``, ``plots/`` and ``pictures/`` into ``out``; files of those names that were there
    stay untouched if anything fails. The figures of heads beside the main one are below
    ``heads.NAME``, their files in ``heads/NAME/``.

    Args:
      model: work directory of the training, file or name of a network, as
        :func:`~jaxsparse.training.trained.load_trained` takes it; its heads say what is scored.
      data: an event file, with truth or without.
      out: folder for the results; made if it does not exist.
      options: see :class:`Options`.
      quiet: no progress bar.
      command: that was given, for the report.

    Returns:
      The content of ``metrics.json``.

    Raises:
      InputError: bad options, files that cannot be read, do not fit the network, or lie where the
        results go.
    """
    trained = load_trained(model, options.checkpoint, operating_point=options.operating_point)
    config = trained.config
    names = [name for name in trained.network.heads if name in HEADS]
    main = evaluated_main_head(config)
    options.check({name: HEADS[name].foreign for name in names})
    chosen = chosen_joiner(options.joiner, model, options.grouping)
    if not quiet:
        announce_own(options.joiner, chosen)
    joiner = read_joiner(chosen, trained)
    arguments: dict[str, Any] = {"semantic": {"joiner": joiner}} if joiner else {}
    refuse_inputs(out, {"data": data, "baseline_data": options.baseline_data})
    enable_compilation_cache(config.train.cache_dir)
    with staged(out) as folder:
        trained_on = read_inputs(Path(model), config).get("data.train")
        data_set = DataSet(data, config, options, trained_on=trained_on)
        remark = "; ".join(filter(None, (data_set.remark, data_set.odd_remark(images_of(model)))))
        if remark and not quiet:
            print(remark)
        attributes = {
            "data": str(data), "views": list(data_set.views), "checkpoint_step": trained.step,
        }  # fmt: skip
        if options.operating_point:
            attributes["operating_point"] = options.operating_point
        other = _baseline_data(config, options)
        heads = {
            name: HEADS[name](data_set, other, attributes, quiet=quiet, **arguments.get(name, {}))
            for name in names
        }
        folders = {name: folder if name == main else folder / "heads" / name for name in names}
        about, figures = _passed(trained, data_set, heads, folders, quiet)
        about |= {"part_remark": remark, "versions": _versions()}
        about = plain({"task": task_of(main), **attributes, **about})
        metrics = {**about, **plain(figures[main])}
        others = {name: plain(figures[name]) for name in names if name != main}
        if others:
            metrics["heads"] = others
        _draw_training(folder, Path(model))
        origin = _origin(Path(model), options, command)
        for name, head in heads.items():
            head.heads = heads
            own = metrics if name == main else {**about, "task": task_of(name), **others[name]}
            head.draw(folders[name], own)
            _draw_plots(folders[name], own)
            told = _told(metrics) if name == main and others else []
            _write_report(folders[name], page(own, head.metrics, origin, told))
        (folder / "metrics.json").write_text(dumps(metrics), encoding="utf-8")
    return metrics


def evaluated_main_head(config: Any) -> str:
    """The head whose figures come first; particles are figures of ``semantic``."""
    main = main_head(config)
    return main if main in HEADS else "semantic"


def _baseline_data(config: Any, options: Options) -> DataSet | None:
    if not options.baseline_data:
        return None
    few = FIT_EVENTS if evaluated_main_head(config) == "semantic" else 0
    other = dataclasses.replace(options, num_events=few, part="all")
    return DataSet(options.baseline_data, config, other)


def _passed(
    trained: Trained,
    data_set: DataSet,
    heads: Mapping[str, EvaluatedHead],
    folders: Mapping[str, Path],
    quiet: bool,
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The pass: facts of the run, and the figures of every head."""
    buckets = data_set.buckets(quiet=quiet)
    predictor = Predictor(trained.network, trained.variables)
    measured = {name: Measured(head.metrics) for name, head in heads.items()}
    start = time.perf_counter()
    with ExitStack() as files:
        for name, head in heads.items():
            folders[name].mkdir(parents=True, exist_ok=True)
            files.enter_context(head.writing(folders[name]))
        for portion in data_set.portions(text="evaluating", quiet=quiet):
            batch = data_set.batch(portion, buckets)
            outputs = predictor(batch)
            for name, head in heads.items():
                for scored in head.scored(portion, batch, outputs):
                    measured[name].update(scored)
    about = {
        "num_events": len(data_set),
        "num_bad_events": data_set.num_bad_events,
        **_images(data_set),
        "part": data_set.part,
        "batch_size": data_set.batch_size,
        "seconds_per_event": float(np.median(predictor.seconds or [np.nan])),
        "seconds_total": time.perf_counter() - start,
        # Before baselines are fitted and pictures drawn, which is not part of the network's cost.
        "peak_memory_mb": peak_memory_mb(),
        "device_peak_memory_mb": device_peak_memory_mb(),
        "compilations": predictor.compilations,
        "capacities": predictor.capacities,
    }
    figures = {
        name: {
            "classes": list(head.classes),
            "colours": list(head.class_set.colours),
            **head.facts(),
            **measured[name].figures(),
        }
        for name, head in heads.items()
    }
    return about, figures


def _versions() -> dict[str, str]:
    """Of everything that the figures depend on, and the device they were taken on."""
    return {
        **versions(("jax", "jaxlib", "flax", "numpy", "h5py")),
        "device": jax.local_devices()[0].device_kind,
        "platform": platform.platform(),
    }


def _images(data_set: DataSet) -> dict[str, Any]:
    return {
        "view": data_set.views[0],
        "image_shape": list(data_set.shapes[0]),
        "image_shapes": [list(shape) for shape in data_set.shapes],
        "whole_plane": not data_set.cropped,
    }


def _origin(model: Path, options: Options, command: str) -> Origin:
    folders = [model, *model.parents[:2]]  # the second is that of one checkpoint
    configs = [folder / CONFIG_FILE for folder in folders if (folder / CONFIG_FILE).is_file()]
    config = str(configs[0]) if configs else ""
    return Origin(str(model), config, str(options.checkpoint), command, options.operating_point)


def _told(metrics: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The summary of all heads, with the pages of the other ones."""
    pages = {head: f"heads/{head}/{REPORT}" for head in metrics["heads"]}
    return [(line.subject, line.figures, pages.get(line.head, "")) for line in summary(metrics)]


def _write_report(folder: Path, text: str) -> None:
    """As Markdown beside its pictures, and as one page."""
    from jaxsparse.viz.figures import FIGURES
    from jaxsparse.viz.report_page import report_page

    text = with_pictures(text, folder, tuple(FIGURES))
    (folder / "report.md").write_text(text, encoding="utf-8")
    title = text.splitlines()[0].removeprefix("# ")
    (folder / REPORT).write_text(report_page(text, folder, title), encoding="utf-8")


def _draw_plots(folder: Path, metrics: dict[str, Any]) -> None:
    """Those that have something to show."""
    from jaxsparse.viz import figures
    from jaxsparse.viz.style import save

    for name, figure in figures.figures_of(metrics):
        save(figure, folder / f"plots/{name}.png")


def _draw_training(folder: Path, workdir: Path) -> None:
    from jaxsparse.viz import curves
    from jaxsparse.viz.style import save

    if (workdir / METRICS_FILE).is_file():
        save(curves.training_figure(workdir / METRICS_FILE), folder / "plots/training.png")
