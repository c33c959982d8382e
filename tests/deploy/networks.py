"""Small untrained networks, the files that they are exported to, and event files for them."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from jaxsparse import models, pretrained
from jaxsparse.data.event_file import EventWriter
from jaxsparse.data.schema import Event
from jaxsparse.deploy.scores import Scores
from jaxsparse.evaluation.evaluator import Options, evaluate
from jaxsparse.training.config import default_config
from jaxsparse.training.model_file import write_model
from jaxsparse.training.trained_network import Trained
from jaxsparse.viz import figures
from tests.random_views import random_view

SHAPES: dict[str, tuple[int, ...]] = {"Y": (48, 40)}
TWO_SHAPES: dict[str, tuple[int, ...]] = {"XZ": (24, 20), "YZ": (24, 30)}


def of_event(scores: Scores) -> np.ndarray:
    """The scores of the event itself, which a network of pixels alone does not give."""
    assert scores.event is not None
    return scores.event


def pixel_config() -> ConfigDict:
    """One view, classes of pixels."""
    config = default_config()
    config.model.filters, config.model.depth, config.model.blocks = 2, 3, 1
    config.data.pixel_classes = ("HIP", "MIP", "shower", "delta", "Michel")
    config.train.cache_dir = ""
    return config


def two_view_config() -> ConfigDict:
    """Two views, classes of pixels and of events; blocks of pixels, and empty ones around them."""
    config = default_config("uresnet", ("event", "semantic"))
    model, data = config.model, config.data
    model.views, model.filters, model.depth, model.blocks = 2, 2, 2, 1
    model.heads.event.num_classes = 3
    data.views, data.classes, data.crop = tuple(TWO_SHAPES), ("nue", "numu", "nc"), ()
    data.low, data.high, data.mean, data.std = 50.0, 250.0, 90.0, 40.0
    data.coarsen, data.halo = 2, 1
    config.train.cache_dir = ""
    return config


def particle_config(head: str = "instance") -> ConfigDict:
    """Two views and every head that goes with them; with heads for wire planes one view."""
    config = two_view_config()
    other = default_config("uresnet", ("semantic", "event", head, "vertex"))
    config.main_head, config.objectives = other.main_head, other.objectives
    config.model.heads = other.model.heads
    config.model.heads.event.num_classes = 3
    config.data.pixel_classes = pixel_config().data.pixel_classes
    if head == "instance":
        config.model.heads.instance.channels, config.model.heads.instance.queries = 4, 3
    else:
        config.data.views, config.model.views = ("XZ",), 1
    return config


def drawn(config: ConfigDict, seed: int = 3) -> Trained:
    """A network of random moments, scales and biases, so that nothing in it is trivial."""
    rng = np.random.default_rng(0)
    variables = jax.tree.map(
        lambda array: array if array.ndim > 1 else np.float32(rng.uniform(0.5, 1.5, array.shape)),
        models.init_variables(config.model, seed),
    )
    return Trained(config, models.build(config.model), variables, 70)


def ship(
    networks: dict[str, pathlib.Path], joiner: pathlib.Path, folder: pathlib.Path,
    patch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Lets other networks come with jaxsparse.

    Args:
      networks: their files by name.
      joiner: of all of them.
      folder: where they are copied to.
      patch: undoes it.
    """
    (folder / "joiners").mkdir(parents=True)
    for name, path in networks.items():
        shutil.copy(path, folder / f"{name}.safetensors")
        shutil.copy(joiner, folder / "joiners" / f"{name}.safetensors")
    patch.setattr(pretrained, "_FOLDER", folder)


def members_of(path: pathlib.Path) -> dict[str, bytes]:
    """What a model file is made of."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_random_file(
    path: pathlib.Path, shapes: dict[str, tuple[int, ...]], events: int = 3
) -> pathlib.Path:
    """Pixels strewn over images, of values within and outside of masks."""
    rng = np.random.default_rng(1)
    with EventWriter(path, detector="toy", views=shapes) as writer:
        for number in range(events):
            views = {
                name: random_view(rng, 150 + 50 * number, shape, truth=False)
                for name, shape in shapes.items()
            }
            writer.append(Event(number, views))
    return path


def evaluated(
    trained: Trained, data: pathlib.Path, folder: pathlib.Path, patch: pytest.MonkeyPatch
) -> pathlib.Path:
    """The folder of what eval.py makes of a network's file."""
    patch.setattr(figures, "FIGURES", {})  # drawn in other tests
    write_model(folder / "network.safetensors", trained)
    options = Options(part="all", whole_plane="event" not in trained.network.heads, pictures=0)
    evaluate(folder / "network.safetensors", data, folder / "out", options, quiet=True)
    return folder / "out"


_WITHOUT_US = """
import runpy, sys
for name in ("jaxsparse", "flax", "h5py", "llvmlite", "ml_collections", "orbax", "safetensors"):
    sys.modules[name] = None  # which makes an import fail
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run_without_us(
    model: pathlib.Path, images: str, scores: str, folder: pathlib.Path
) -> subprocess.CompletedProcess[str]:
    """``python MODEL IMAGES SCORES`` in a folder, its home, where jaxsparse is not installed."""
    environment = {**os.environ, "HOME": str(folder)}
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_US, model, images, scores],
        cwd=folder, capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done
