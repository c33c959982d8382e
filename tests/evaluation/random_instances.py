"""Events with true and predicted instances, and both as plain sets of pixels."""

from __future__ import annotations

import dataclasses

import numpy as np

from jaxsparse.data.schema import PARTICLE_DTYPE
from jaxsparse.evaluation.scored import Scored

CLASSES = ("HIP", "MIP", "Michel")
VIEWS = 2


def random_event(seed: int, pixels: int = 120, /, **changes: np.ndarray) -> Scored:
    """Two views; some pixels have no class, some no particle, some no predicted instance.

    Predicted instances are the true ones, of which some are joined, and some pixels moved.
    """
    rng = np.random.default_rng(seed)
    particles = np.zeros(9, PARTICLE_DTYPE)
    particles["label"] = rng.integers(0, len(CLASSES), 9)
    particles["parent"] = np.where(np.arange(9) < 5, -1, 0)
    particles["kinetic_energy"] = rng.uniform(1, 900, 9)
    view = rng.integers(0, VIEWS, pixels)
    # Few particles with many pixels, and many with few.
    instance = np.minimum(rng.geometric(0.3, pixels) - 1, 8)
    instance[rng.random(pixels) < 0.05] = -1
    truth = np.where(instance >= 0, particles["label"][instance], 1)
    truth[rng.random(pixels) < 0.05] = -1
    joined = rng.permutation(9)[instance] // 2
    predicted = np.where(rng.random(pixels) < 0.8, joined, rng.integers(-1, 12, pixels))
    predicted[instance < 0] = rng.integers(-1, 12, (instance < 0).sum())
    named = rng.integers(0, len(CLASSES), 12)
    if rng.random() < 0.7:
        named[joined] = np.where(truth >= 0, truth, 0)
    columns: dict[str, np.ndarray] = {
        "view": view.astype(np.int32),
        "instance": instance.astype(np.int32),
        "overlap": rng.integers(1, 4, pixels).astype(np.uint8),
        "predicted_instance": predicted.astype(np.int32),
        "predicted_instance_class": np.where(predicted >= 0, named[predicted], -1).astype(np.int32),
    }
    scores = rng.dirichlet(np.ones(len(CLASSES)), pixels).astype(np.float32)
    scored = Scored(
        scores, truth.astype(np.int32), CLASSES, np.zeros(pixels), columns, particles, group=seed
    )
    return dataclasses.replace(scored, columns={**columns, **changes})


@dataclasses.dataclass(frozen=True)
class Group:
    """An instance in one view as the set of its pixels; without a true particle they are apart."""

    view: int
    number: int
    label: int
    pixels: frozenset[int]
    others: frozenset[int] = frozenset()


def true_groups(scored: Scored) -> list[Group]:
    columns = scored.columns
    groups = []
    for view in range(VIEWS):
        for number in sorted(set(columns["instance"].tolist()) - {-1}):
            own = [
                p for p in range(len(scored))
                if columns["view"][p] == view and columns["instance"][p] == number
                and scored.truth[p] >= 0
            ]  # fmt: skip
            if own:
                labels = scored.truth[own].tolist()
                label = max(sorted(set(labels)), key=labels.count)
                groups.append(Group(view, number, label, frozenset(own)))
    return groups


def predicted_groups(scored: Scored) -> list[Group]:
    columns = scored.columns
    owned = {pixel for group in true_groups(scored) for pixel in group.pixels}
    groups = []
    for view in range(VIEWS):
        for number in sorted(set(columns["predicted_instance"].tolist()) - {-1}):
            own = {
                p for p in range(len(scored))
                if columns["view"][p] == view and columns["predicted_instance"][p] == number
            }  # fmt: skip
            if own & owned:
                label = int(columns["predicted_instance_class"][min(own)])
                groups.append(
                    Group(view, number, label, frozenset(own & owned), frozenset(own - owned))
                )
    return groups
