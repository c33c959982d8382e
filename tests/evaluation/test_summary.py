"""The first figures of every head, a line a subject."""

from typing import Any

from jaxsparse.evaluation.summary import summary

EVENTS = {
    "task": "classification", "accuracy": 0.85, "errors": {"accuracy": 0.02},
    "baselines": {"majority": {"accuracy": 0.3}, "forest": {"accuracy": 0.6}},
}  # fmt: skip
PIXELS: dict[str, Any] = {
    "accuracy": 0.7, "accuracy_balanced": 0.5, "errors": {"accuracy": 0.05},
    "baselines": {"majority": {"accuracy": 0.4}, "local": {"accuracy": 0.45}},
}  # fmt: skip
PARTICLES: dict[str, Any] = {
    "grouping": {
        "rand_index": {"mean": 0.6}, "clusters": {"efficiency": 0.8, "purity": 0.75},
        "prong_accuracy": 0.79, "view_agreement": {"part": 0.47, "of_matched": 0.96},
    },
}  # fmt: skip


def figures_by_subject(metrics):
    return {line.subject: line.figures for line in summary(metrics)}


def test_every_head_has_its_figures_with_errors_beside_the_baselines():
    errors = PIXELS["errors"] | {"grouping.rand_index.mean": 0.03}
    semantic = PIXELS | PARTICLES | {"errors": errors}
    vertex = {"accuracy": 0.8, "vertex": {"within": {"2": 0.97}}, "errors": None}
    told = figures_by_subject({**EVENTS, "heads": {"semantic": semantic, "vertex": vertex}})
    assert list(told) == ["events", "pixels", "particles", "vertex"]
    assert told["events"] == (
        "accuracy 0.8500 ± 0.0200 (forest on sizes 0.6000, majority guess 0.3000)"
    )
    assert "accuracy 0.7000 ± 0.0500 (local charge density 0.4500, majority" in told["pixels"]
    for words in (
        "adjusted Rand index 0.6000 ± 0.0300", "efficiency 0.8000", "purity 0.7500",
        "prong accuracy 0.7900", "one number in both views, of primaries seen in both 0.4700; ",
        "; of primaries found in both 0.9600",
    ):  # fmt: skip
        assert words in told["particles"]
    assert told["vertex"] == "nearest pixel named 0.8000; within 2 pixels 0.9700"


def test_a_network_of_one_plane_tells_pixels_and_particles():
    one_view = {
        "grouping": PARTICLES["grouping"] | {"view_agreement": {"part": None, "of_matched": None}}
    }
    told = figures_by_subject({"task": "segmentation", **PIXELS, **one_view})
    assert list(told) == ["pixels", "particles"]
    assert "views" not in told["particles"]


def test_a_head_without_a_figure_says_so_in_one_line():
    told = figures_by_subject(
        {"task": "segmentation", "accuracy": None, "grouping": None, "errors": None}
    )
    assert told == {"pixels": "nothing has truth"}


def test_a_head_of_the_user_has_its_accuracy():
    told = figures_by_subject({"task": "own", "accuracy": 0.5, "heads": {"other": {}}})
    assert told == {"own": "accuracy 0.5000", "other": "nothing has truth"}
