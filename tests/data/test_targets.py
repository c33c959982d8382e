"""What a network is to say of pixels, made from the truth of all views together."""

from __future__ import annotations

import numpy as np
import pytest

from jaxsparse.data.pixels import Pixels
from jaxsparse.data.schema import View
from jaxsparse.data.targets import TARGETS, make_targets
from jaxsparse.errors import InputError


def image(instances) -> View:
    coords = np.stack([np.zeros(len(instances)), np.arange(len(instances))], axis=1)
    return View(
        coords.astype(np.int32), np.ones(len(instances), np.float32), (1, 50),
        instance=np.array(instances, np.int32),
    )  # fmt: skip


def numbered(*views):
    made = TARGETS["instances"].make(views, None)
    assert all(each.dtype == np.int32 for each in made)
    return [each.tolist() for each in made]


def test_particles_are_numbered_over_all_views_of_an_event_the_largest_first():
    # The first event: particle 7 has three pixels, 2 and 40 two, 3 one. The second: 7 alone.
    first = Pixels.of([image([7, 2, 40, -1]), image([7])])
    second = Pixels.of([image([7, 7, 2, 40, 3]), image([])], (1, 50))
    assert numbered(first, second) == [[0, 1, 2, -1, 0], [0, 0, 1, 2, 3]]


def test_pixels_without_truth_are_of_no_particle_and_far_from_any_vertex():
    plain = Pixels(np.zeros((1, 2), np.int32), np.ones(1, np.float32), np.array([1]), (4, 4))
    assert numbered(plain, Pixels.of([image([5])])) == [[-1], [0]]
    assert numbered(plain) == [[-1]]
    (distance,) = TARGETS["vertex_distance"].make([plain], None)
    assert distance.dtype == np.float32
    assert distance.tolist() == [np.inf]


def test_a_target_that_a_worker_process_has_not_is_named():
    plain = Pixels.of([image([5])])
    assert make_targets(("instances",), [plain], None)["instances"][0].tolist() == [0]
    with pytest.raises(InputError, match=r"target near is not in TARGETS .* data.workers=0"):
        make_targets(("near",), [plain], None)


def test_events_without_a_pixel_are_numbered_like_any():
    nothing = Pixels.of([image([]), image([])], (1, 50))
    assert numbered(nothing, nothing) == [[], []]
