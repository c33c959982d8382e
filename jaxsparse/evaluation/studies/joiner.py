"""Trains a classifier of pairs of fragments, for a network with a head ``edges``.

    python -m jaxsparse.evaluation.studies.joiner --model=runs/wires --data=train.h5 --part=train \\
        --out=joiner.safetensors
    jaxsparse eval --model=runs/wires --joiner=joiner.safetensors --data=test.h5 --out=out

The network names the pixels of the crops of ``data`` and makes fragments of them; which of these
are of one particle, the truth says. ``docs/panoptic_wires.md`` has what it is worth.
"""

from __future__ import annotations

import dataclasses
import os

import numpy as np
from absl import flags
from scipy.special import softmax

from jaxsparse import command_line
from jaxsparse.errors import InputError
from jaxsparse.evaluation.data_set import DataSet
from jaxsparse.evaluation.options import Options
from jaxsparse.inference import Predictor
from jaxsparse.inference.grouping import Edges, SeenView
from jaxsparse.inference.grouping.edges import SortedPairs
from jaxsparse.inference.grouping.fragment_pairs import FragmentPairs
from jaxsparse.inference.grouping.joined import truth_of_pairs
from jaxsparse.inference.joiner import Joiner, train_joiner
from jaxsparse.training.head_arrays import class_names
from jaxsparse.training.model_file import fingerprint_of
from jaxsparse.training.trained import load_trained
from jaxsparse.training.trained_network import Trained


def pairs_of(
    trained: Trained, data: str | os.PathLike[str], options: Options, *, quiet: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of fragments of a file, of which the truth is known.

    Args:
      trained: a network with heads ``semantic`` and ``edges``.
      data: event file with particles.
      options: which events, and the seed of the crops.
      quiet: no progress bar.

    Returns:
      Features float64 ``[pairs, features]`` and bool ``[pairs]``, of one particle.

    Raises:
      InputError: the network has no such heads, the file no particles, or no pair is found.
    """
    if missing := {"semantic", "edges"} - {*trained.network.heads}:
        raise InputError(
            f"the network has no head {', '.join(sorted(missing))}: a joiner is for one with both"
        )
    data_set = DataSet(data, trained.config, options)
    buckets = data_set.buckets(quiet=quiet)
    predictor = Predictor(trained.network, trained.variables)
    features, labels = [], []
    for portion in data_set.portions(text="looking at fragments", quiet=quiet):
        outputs = predictor(data_set.batch(portion, buckets))
        for view, image in enumerate(portion.images):
            said = outputs["edges"]
            for place in range(len(portion.numbers)):
                rows, own = slice(*image.bounds[place : place + 2]), image.events(np.array([place]))
                if not {"labels", "instance"} <= set(own.columns):
                    raise InputError(f"{data} has no particles of pixels: simulate it with truth")
                scores = softmax(outputs["semantic"][view][rows], axis=1)
                edges = Edges.of(said.others[view], said.same[view], rows)
                pixels = SortedPairs.of(SeenView(own.coords, scores, own.values), edges)
                fragment = pixels.fragments()
                pairs = FragmentPairs.of(pixels, fragment)
                columns = own.columns
                instance = np.where(columns["labels"] >= 0, columns["instance"], -1)[pixels.rows]
                truth = truth_of_pairs(pairs, fragment, instance)
                features.append(pairs.features[truth >= 0])
                labels.append(truth[truth >= 0] == 1)
    if not sum(map(len, labels)):
        raise InputError(f"{data} has no pair of fragments: give one with events")
    return np.concatenate(features), np.concatenate(labels)


def of_network(joiner: Joiner, trained: Trained) -> Joiner:
    """A joiner that knows the network that it was trained with."""
    classes = class_names(trained.config, "semantic")
    return dataclasses.replace(joiner, classes=classes, network=fingerprint_of(trained))


def main(_: list[str]) -> None:
    """Entry point of the command line."""
    values = flags.FLAGS
    options = Options(part=values.part, num_events=values.num_events, seed=values.seed)
    trained = load_trained(values.model, values.checkpoint)
    features, labels = pairs_of(trained, values.data, options)
    joiner = train_joiner(features, labels, values.seed)
    of_network(joiner, trained).write(values.out)
    print(f"{values.out}: {len(labels):,} pairs of fragments, {labels.mean():.3f} of one particle")


def define_flags() -> None:
    command_line.define_path("model", None, "work directory or file of a network with edges")
    command_line.define_path("data", None, "event file with particles")
    command_line.define_path("out", None, "file of the joiner to write")
    flags.DEFINE_string("checkpoint", "best", "best, latest, or a step")
    flags.DEFINE_string("part", "", "of a file that data.split divides, as of jaxsparse eval")
    flags.DEFINE_integer("num_events", 0, "only so many events; 0 for all")
    command_line.define_seed(0, "of crops, of first weights and of batches")
    flags.mark_flags_as_required(["model", "data", "out"])


if __name__ == "__main__":
    define_flags()
    command_line.run(main)
