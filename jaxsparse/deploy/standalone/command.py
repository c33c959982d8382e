"""The command line of a model file; ``--help`` and ``--about`` need Python alone."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from jaxsparse.deploy.standalone.archive import open_archive
from jaxsparse.deploy.standalone.error import ModelError, one_line

if TYPE_CHECKING:
    from jaxsparse.deploy.standalone.model import Image, Model

CACHE = "~/.cache/jaxsparse"  # of compiled programs, which jaxsparse keeps there too


def main(arguments: Sequence[str] | None = None, model: Path | None = None) -> int:
    """Scores the event of one file; the exit status, 2 after one line for any mistake.

    Args:
      arguments: of the command line; those of the process by default.
      model: the model file; by default the one that this package lies in.
    """
    try:
        values = _parser().parse_args(arguments)
        if values.about:
            print(json.dumps(open_archive(model).manifest, indent=2))
        elif values.scores is None or values.scores.suffix != ".npz":
            raise ModelError("give a file with images and an .npz file for scores, or --about")
        else:
            from jaxsparse.deploy.standalone.model import load

            network = load(model, kernels=not values.portable)
            _keep_programs()
            print(_score(network, values.images, values.scores))
    except ModelError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _keep_programs() -> None:
    """Keeps compiled programs for the next call, unless the environment says where or not at all.

    Where the folder cannot be made, nothing is kept.
    """
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    try:
        import jax

        folder = Path(CACHE).expanduser()
        folder.mkdir(parents=True, exist_ok=True)
    except (ImportError, OSError, RuntimeError):  # no JAX is told of later; no home folder
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    # However fast the machine compiles.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


class _Parser(argparse.ArgumentParser):
    """One line for a mistake, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        raise ModelError(f"{message}: see --help")


def _parser() -> _Parser:
    parser = _Parser(prog=f"python {Path(sys.argv[0]).name}", description="Scores an event.")
    parser.add_argument(
        "images", nargs="?", type=Path,
        help=".npz file with coords and values, coords_VIEW and values_VIEW for several views; or "
        ".npy with a row of coordinates and value for every pixel",
    )  # fmt: skip
    parser.add_argument("scores", nargs="?", type=Path, help=".npz file to write")
    parser.add_argument("--about", action="store_true", help="print what the file says of itself")
    parser.add_argument("--portable", action="store_true", help="use no kernels of jaxsparse")
    return parser


def read_event(path: Path, views: Sequence[str], dim: int) -> dict[str, Image]:
    """The event of a file, by view, of images of ``dim`` axes.

    Raises:
      ModelError: no such file, or one without its arrays.
    """
    import numpy as np

    from jaxsparse.deploy.standalone.arrays import event_of, named

    names = " and ".join(name for image in named(views).values() for name in image)
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if not isinstance(loaded, np.ndarray):
                return event_of(loaded, views)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror or one_line(error)})") from None
    except Exception:  # of many kinds, where a file is damaged or another one
        raise ModelError(
            f"{path} is no .npz file, or damaged: give an .npz file with {names}"
        ) from None
    if len(views) > 1:
        raise ModelError(
            f"{path} has one array but the model takes {len(views)} views: give an .npz file with "
            f"{names}"
        )
    if loaded.ndim != 2 or loaded.shape[1] != dim + 1:
        raise ModelError(
            f"{path} has an array {list(loaded.shape)}, it must be [pixels, {dim + 1}], rows of "
            "coordinates and value: of a dense image numpy.column_stack([numpy.argwhere(image > "
            "0), image[image > 0]])"
        )
    return {views[0]: (loaded[:, :-1], loaded[:, -1])}


def _score(model: Model, source: Path, target: Path) -> str:
    """Writes the scores of a file's event, and says what was done."""
    import numpy as np

    from jaxsparse.deploy.standalone.arrays import arrays_of, classes_of

    event = read_event(source, model.views, model.dim)
    if target.exists() and target.samefile(source):
        raise ModelError(f"{target} has the images and would be overwritten: choose another name")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        scores = model(event)
    arrays = arrays_of(scores, model.views) | classes_of(scores, model.views)
    for line in caught:
        print(f"warning: {one_line(line.message)}", file=sys.stderr)
    for head, names in model.classes.items():
        arrays[f"{head}_classes"] = np.array(names)
    partial = target.with_name(f".partial-{target.name}")
    try:
        with partial.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        os.replace(partial, target)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise ModelError(f"{target} cannot be written ({error.strerror}): choose another") from None
    seen = sum(int(model.transform.sees(values).sum()) for _, values in event.values())
    pixels = sum(len(values) for _, values in event.values())
    low, high = model.transform.low, model.transform.high
    return (
        f"{target}: {seen} of {pixels} pixels have values within {low:g} and {high:g}, scored by "
        f"{model.computed_by}"
    )
