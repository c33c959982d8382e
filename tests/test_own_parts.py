"""A head, a loss and what else the pages add from a user's own file, trained and evaluated."""

import dataclasses
import json
import pathlib
import re
import subprocess
import sys
from typing import Any

import h5py
import jax
import numpy as np
import pytest
from scipy.special import softmax

from jaxsparse import models, objective_settings
from jaxsparse.config_file import load_checked
from jaxsparse.data import something_to_learn, targets
from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.schema import Event, View
from jaxsparse.deploy.predict import predict
from jaxsparse.errors import InputError
from jaxsparse.evaluation import heads as evaluated
from jaxsparse.evaluation.evaluator import Options, evaluate
from jaxsparse.settings import SETTINGS, check_config
from jaxsparse.training import class_targets, objectives
from jaxsparse.training.config import default_config
from jaxsparse.training.loop import train
from jaxsparse.training.trained import load_trained
from tests.training import listed_pixels

DOCS = pathlib.Path(__file__).parents[1] / "docs"
TABLES: tuple[dict[str, Any], ...] = (
    models.HEADS, targets.TARGETS, something_to_learn.NEEDED, objectives.TARGETS,
    objective_settings.OBJECTIVES, evaluated.HEADS,
)  # fmt: skip


def blocks(page, section=""):
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    if section:
        text = text.partition(f"## {section}\n")[2].partition("\n## ")[0]
    return "\n\n".join(re.findall(r"^```python\n(.*?)^```", text, re.M | re.S))


@pytest.fixture(autouse=True)
def own_tables():
    """Tables of parts lose what a test adds."""
    before = copied()
    yield
    restore(before)


def copied():
    return [
        {key: dict(own) if isinstance(own, dict) else own for key, own in table.items()}
        for table in TABLES
    ]


def restore(before):
    for table, entries in zip(TABLES, before, strict=True):
        table.clear()
        table.update(entries)


@pytest.fixture
def near_file(tmp_path):
    path = tmp_path / "near.py"
    path.write_text(blocks("heads"), encoding="utf-8")
    return path


@pytest.fixture
def events(tmp_path):
    """Six events of 40 pixels, each with a vertex."""
    rng = np.random.default_rng(3)
    with EventWriter(tmp_path / "e.h5", detector="toy", views={"Y": (16, 16)}) as file:
        for number in range(6):
            cells = np.sort(rng.choice(256, 40, replace=False))
            coords = np.stack([cells // 16, cells % 16], axis=1)
            distance = abs(coords - coords[number]).max(axis=1).astype(np.float32)
            view = View(coords, np.full(40, 50.0), (16, 16), vertex_distance=distance)
            file.append(Event(number, {"Y": view}))
    return tmp_path / "e.h5"


def test_the_head_of_the_page_trains_and_is_evaluated_and_its_run_names_its_file(
    near_file, events, tmp_path, monkeypatch
):
    monkeypatch.setattr("jaxsparse.training.loop.open_board", lambda *_: None)
    before = copied()
    config = load_checked(str(near_file))
    config.model.filters, config.model.depth = 4, 1
    config.data.train, config.data.crop, config.data.num_buckets = str(events), (), 1
    config.train.steps, config.train.batch_size, config.train.cache_dir = 4, 6, ""
    config.train.devices = 1
    train(config, tmp_path / "run")
    last = json.loads((tmp_path / "run/metrics.jsonl").read_text().splitlines()[-1])
    assert np.isfinite(last["loss"])
    assert last["accuracy"] > 0
    figures = evaluate(tmp_path / "run", events, tmp_path / "out", Options(), quiet=True)
    assert (figures["task"], figures["num_sites"]) == ("near", 240)
    with h5py.File(tmp_path / "out/predictions.h5") as file:
        assert file["scores"].shape == (240, 2)
        # The figure of the page's metrics, from the stored scores and the truth of the file.
        with h5py.File(events) as truth:
            near = np.asarray(truth["views/Y/vertex_distance"]) <= 3
        right = (np.asarray(file["scores"])[:, 1] > 0.5) == near
    assert figures["accuracy"] == pytest.approx(right.mean())
    with pytest.raises(InputError, match="heads are near: none of them gives scores of"):
        predict(tmp_path / "run", [], tmp_path / "scores.h5")
    restore(before)
    with pytest.raises(InputError, match=rf"head near, which {re.escape(str(near_file))} adds"):
        load_trained(tmp_path / "run")


def test_a_file_with_a_head_is_the_program_too(near_file):
    command = [sys.executable, near_file.name, "train", "--config=near.py", "--print_config"]
    done = subprocess.run(command, cwd=near_file.parent, capture_output=True, text=True)
    assert "--config.objectives.near.near_weight=10.0" in done.stdout, done.stderr


def test_the_loss_of_the_page_is_cross_entropy_without_focus_and_its_gradient_is_finite(tmp_path):
    path = tmp_path / "focal.py"
    path.write_text(blocks("extending", "A loss"), encoding="utf-8")
    config = load_checked(str(path))
    assert config.objectives.semantic.focus == 2.0
    (objective,) = objectives.objectives_of(config)
    config.objectives.semantic.focus = 0.0
    (plain,) = objectives.objectives_of(config)
    restored = class_targets.pixel_classes("", {"num_classes": 5}, dict(config.objectives.semantic))

    rng = np.random.default_rng(0)
    labels = [([1, -1, 4, 0], [2, 2]), ([], [3])]
    batch = listed_pixels.batch_of(labels, (4, 10), np.int32, lambda own: {"labels": own})
    views = [
        dataclasses.replace(
            view, targets={**view.targets, "weights": rng.random(len(view.coords), np.float32)}
        )
        for view in batch.views
    ]
    batch = dataclasses.replace(batch, views=tuple(views))
    scores = tuple(rng.normal(size=(len(v.coords), 5)).astype(np.float32) for v in batch.views)
    expected, sums = restored.sums(scores, batch), plain.target.sums(scores, batch)
    np.testing.assert_allclose(sums.loss, expected.loss, rtol=1e-5)
    assert sums.confusion.tolist() == expected.confusion.tolist()

    total = 0.0  # (1 - p)^2 of the true class, in float64
    for view, logits in zip(batch.views, scores, strict=True):
        known = np.flatnonzero(np.asarray(view.targets["labels"]) >= 0)
        p = softmax(np.float64(logits), axis=1)[known, view.targets["labels"][known]]
        total += (view.targets["weights"][known] * -((1 - p) ** 2) * np.log(p)).sum()
    np.testing.assert_allclose(objective.target.sums(scores, batch).loss, total, rtol=1e-5)
    far = tuple(np.where(np.arange(5) == 1, 200, s) for s in scores)
    for point in (scores, far):
        gradient = jax.grad(lambda scores: objective.target.sums(scores, batch).loss)(point)
        assert all(np.isfinite(view).all() for view in gradient)


def test_settings_are_those_of_the_tables_when_they_are_asked_for():
    order = list(SETTINGS)
    assert order[:2] == ["", "data"]
    assert order[-2:] == ["optimizer", "train"]
    config = default_config(heads=("vertex",))
    config.data.validation = "v.h5"
    own = objective_settings.OBJECTIVES["objectives.vertex"]
    objective_settings.OBJECTIVES["objectives.vertex"] = own | {"extra": own["weight"]}
    with pytest.raises(InputError, match=r"objectives\.vertex\.extra is missing"):
        check_config(config)


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ((), "head is 'near': no such head, must be one of .*jaxsparse.models.HEADS first"),
        ((models.HEADS,), "objectives.near has no settings: .*OBJECTIVES"),
        ((models.HEADS, objective_settings.OBJECTIVES), "head near has no target: add it to TARG"),
    ],
)
def test_a_table_without_the_head_is_named(added, message):
    known = {"": "vertex", "objectives.": "objectives.vertex"}
    for table in added:
        prefix = "objectives." if table is objective_settings.OBJECTIVES else ""
        table[f"{prefix}near"] = table[known[prefix]]
    with pytest.raises(InputError, match=message):
        objectives.objectives_of(default_config(heads=("near",)))
