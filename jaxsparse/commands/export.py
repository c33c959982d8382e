"""Writes a trained network to one file.

    jaxsparse export --model=runs/smoke --out=smoke.pyz

``--out=FILE.safetensors`` is a file of weights that jaxsparse reads in place of a work directory.
``--out=FILE.pyz`` runs where JAX, numpy and flatbuffers are and jaxsparse need not be. The file
appears when it is whole.
"""

from __future__ import annotations

import time
from typing import Any

from absl import flags

from jaxsparse import command_line
from jaxsparse.errors import InputError
from jaxsparse.training.which_network import find_network


def main(_: list[str]) -> None:
    """Entry point of the command line."""
    values = flags.FLAGS
    out, ending = values.out, values.out.suffix
    if ending not in (".safetensors", ".pyz"):
        raise InputError(f"--out={out}: the file must end with .safetensors or .pyz")
    if ending == ".safetensors" and (values.shape or values.sites or flags.FLAGS["joiner"].present):
        raise InputError(
            f"--shape, --sites and --joiner are for .pyz, but --out is {out}: leave them"
        )
    given = dict(map(_named, values.about))
    find_network(values.model, values.checkpoint)
    # Imported here so that all these mistakes answer at once.
    from jaxsparse.training.chosen_joiner import announce_own, chosen_joiner, read_joiner
    from jaxsparse.training.model_file import write_model
    from jaxsparse.training.rescaling import AS_TRAINED, changed_points
    from jaxsparse.training.trained import about, images_of, load_trained, points_of

    begin = time.perf_counter()
    chosen = chosen_joiner(values.joiner, values.model) if ending == ".pyz" else ""
    announce_own(values.joiner, chosen)
    said = about(values.model)
    point, points, images = (
        values.operating_point, points_of(values.model), images_of(values.model),
    )  # fmt: skip
    trained = load_trained(values.model, values.checkpoint, operating_point=point)
    if point:
        said["operating_point"] = point
        before = said.pop("rescaling", "")
        if point != AS_TRAINED:
            said["rescaling"] = "; then ".join(filter(None, (before, points[point].about)))
        points = changed_points(points, points[point]) if ending == ".safetensors" else {}
    said |= given
    joiner = read_joiner(chosen, trained)
    if ending == ".safetensors":
        write_model(out, trained, said, images, points)
    else:
        _write_artefact(trained, said, images, joiner, values)
    size, seconds = out.stat().st_size, time.perf_counter() - begin
    print(f"{out}: step {trained.step}, {size / 1e6:.2f} MB, {seconds:.1f} s")


def _write_artefact(
    trained: Any, said: dict[str, str], images: Any, joiner: Any, values: flags.FlagValues
) -> None:
    from jaxsparse.deploy import artefact

    shapes = [_lengths("shape", text.split(",")) for text in values.shape]
    if not shapes:
        try:
            artefact.image_shapes(trained.config, [], images)
        except InputError:  # no detector that jaxsparse knows has the views
            shapes = _training_shapes(trained.config)
    sites = _lengths("sites", values.sites) if values.sites else artefact.SITES
    manifest = artefact.write_artefact(
        values.out, trained, said, images, joiner=joiner, shapes=shapes, sites=sites
    )
    for number, view in enumerate(manifest["views"]):
        held = [bucket[number][0] for bucket in manifest["buckets"]]
        print(
            f"view {view['name']}: images up to {' x '.join(map(str, view['shape']))}, programs "
            f"for {', '.join(map(str, held))} sites"
        )
    if manifest["sees_the_border"]:
        print("the network sees where an image ends: all of its images should have this shape")


def _training_shapes(config: Any) -> list[tuple[int, ...]]:
    """The images of the training's events, if they are still there; none where they are not."""
    from jaxsparse.data.event_file import EventFile

    try:
        shapes = EventFile(config.data.train).view_shapes
    except (InputError, OSError):
        return []
    views = tuple(config.data.views)
    return [shapes[view] for view in views] if set(views) <= set(shapes) else []


def _named(text: str) -> tuple[str, str]:
    name, colon, said = text.partition(":")
    if not (name and colon):
        raise InputError(f"--about={text}: must be NAME:TEXT, such as --about=licence:MIT")
    return name, said


def _lengths(flag: str, words: list[str]) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in words)
    except ValueError:
        raise InputError(
            f"--{flag}={','.join(words)}: must be whole numbers with commas between"
        ) from None


def define_flags() -> None:
    command_line.define_model()
    command_line.define_path("out", None, "file to write, .safetensors or .pyz", required=True)
    command_line.define_operating_point()
    flags.DEFINE_multi_string(
        "about", [], "NAME:TEXT to say of the network in the file; may be given several times"
    )
    flags.DEFINE_multi_string(
        "shape",
        [],
        ".pyz: lengths of the largest image, such as 1008,3456; of every view in turn, or of all; "
        "by default those of the detector, else of the training's events, if they are still there",
    )
    command_line.define_joiner(".pyz: ")
    flags.DEFINE_list(
        "sites", None, ".pyz: sites that images may have, a program each; the last is the most"
    )
