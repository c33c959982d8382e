"""Moves a network that names pixels to the operating point that fits a file without weights.

    jaxsparse rescale --model=runs/smoke --data=validation.h5 --out=rescaled.safetensors

What is written is the same network with a temperature (or, ``--form=matrix``, a matrix) and a bias
a class in its last layer; ``jaxsparse eval --model=FILE`` evaluates it. The scores that training
gave stay in the file as the operating point ``as_trained``. With ``--operating_point=NAME`` the
last layer stays, and the new scores get that name.
"""

from __future__ import annotations

import dataclasses
import re

from absl import flags

from jaxsparse import command_line
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.overwriting import refuse_overwriting
from jaxsparse.data.partition import PARTS
from jaxsparse.errors import InputError
from jaxsparse.freed_memory import keep_freed_memory
from jaxsparse.training.which_network import find_network


def main(_: list[str]) -> None:
    """Entry point of the command line."""
    keep_freed_memory()
    values = flags.FLAGS
    if values.out.suffix != ".safetensors":
        raise InputError(f"--out={values.out}: the file must end with .safetensors")
    if (name := values.operating_point) and not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII):
        raise InputError(
            f"--operating_point={name}: must begin with a letter and have letters, digits and "
            "underscores, such as planes"
        )
    refuse_overwriting("out", values.out, [values.data, values.model])
    find_network(values.model, values.checkpoint)
    EventFile(values.data)
    # Imported here so that all these mistakes answer at once.
    from jaxsparse.evaluation.data_set import DataSet
    from jaxsparse.evaluation.options import Options
    from jaxsparse.evaluation.studies import rescaling
    from jaxsparse.training.head_arrays import class_names
    from jaxsparse.training.model_file import write_model
    from jaxsparse.training.rescaling import AS_TRAINED, Rescaling, changed_points, rescaled
    from jaxsparse.training.trained import about, images_of, load_trained, points_of

    said = about(values.model)
    trained = load_trained(values.model, values.checkpoint)
    options = Options(num_events=values.num_events, whole_plane=values.whole_plane)
    data_set = DataSet(values.data, trained.config, options)
    if data_set.part == PARTS[2]:  # of the file that training split: that one is to test with
        options = dataclasses.replace(options, part=PARTS[1])
        data_set = DataSet(values.data, trained.config, options)
    if name == AS_TRAINED:
        raise InputError(
            f"--operating_point={name}: names the scores that training gave, take another name"
        )
    logits, truth = rescaling.logits_and_truth(trained, data_set)
    fitted = rescaling.fit(logits, truth, values.form).part(values.strength)
    numbers = map(str, range(logits.shape[1]))  # where an older network has no names
    classes = class_names(trained.config, "semantic") or tuple(numbers)
    print("\n".join(rescaling.described(logits, truth, fitted, classes)))
    images = "whole images" if values.whole_plane else "events"
    fitted_on = (
        f"fitted on {len(truth)} pixels of {len(data_set)} {images}, strength {values.strength:g}"
    )
    fitted = dataclasses.replace(fitted, about=fitted_on)
    seen, points = images_of(values.model), points_of(values.model)
    if name:
        write_model(values.out, trained, said, seen, points | {name: fitted})
        instead = " in place of the one that it had" if name in points else ""
        print(f"{values.out}: the network with this as its operating point {name}{instead}")
        return
    if "rescaling" not in said:  # files of earlier versions do not have the scores before theirs
        same = Rescaling.identity(logits.shape[1], "the scores that training gave")
        points = {AS_TRAINED: same} | points
    try:
        points = changed_points(points, fitted)
    except InputError as error:
        print(f"no operating point is kept: {error}")
        points = {}
    before = f"{said['rescaling']}; then " if "rescaling" in said else ""
    said["rescaling"] = f"{before}{fitted.text()}, {fitted_on}"
    said.pop("operating_point", None)  # the last layer is another one now
    write_model(values.out, rescaled(trained, fitted), said, seen, points)
    print(
        f"{values.out}: the network with this in its last layer, and operating points "
        f"{', '.join(points) or '(none)'}"
    )


def define_flags() -> None:
    command_line.define_model()
    command_line.define_path("data", None, "event file to fit on; not one of the test")
    command_line.define_path("out", None, "file to write, .safetensors")
    flags.DEFINE_string(
        "operating_point", "", "name: the last layer stays, and the new scores get this name"
    )
    flags.DEFINE_bool("whole_plane", False, "whole images instead of crops")
    flags.DEFINE_enum(
        "form", "temperature", ["temperature", "matrix"],
        "temperature: one for all classes; matrix: the logit of each class has its own scale and a "
        "part of the others, for files of many events",
    )  # fmt: skip
    flags.DEFINE_integer("num_events", 0, "only so many events; 0: all", lower_bound=0)
    flags.DEFINE_float(
        "strength",
        1.0,
        "how much of what fits best: 0 nothing, 1 all",
        lower_bound=0.0,
        upper_bound=1.0,
    )
    flags.mark_flags_as_required(["data", "out"])
