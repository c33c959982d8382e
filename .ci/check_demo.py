"""Check what the README's main job left behind: python .ci/check_demo.py DEMO_FOLDER."""

import json
import pathlib
import sys

FIXED_KEYS = {
    "task", "classes", "num_events", "num_sites", "loss", "accuracy", "confusion", "per_class",
    "accuracy_per_event_mean", "track_shower", "seconds_per_event", "peak_memory_mb",
    "checkpoint_step", "versions",
}  # fmt: skip


def main(demo: pathlib.Path) -> None:
    lines = [json.loads(line) for line in (demo / "run" / "metrics.jsonl").open()]
    assert any(line["split"] == "train" for line in lines), "no training line"
    assert any(line["split"] == "validation" for line in lines), "no validation line"
    for name in ("crops", "planes", "pretrained"):
        folder = demo / name
        metrics = json.loads((folder / "metrics.json").read_text())
        missing = FIXED_KEYS - metrics.keys()
        assert not missing, f"{folder}/metrics.json lacks {sorted(missing)}"
        pictures = list(folder.rglob("*.png"))
        assert pictures, f"no picture in {folder}"
        assert all(picture.stat().st_size > 5_000 for picture in pictures), "an empty picture"
        assert (folder / "predictions.h5").stat().st_size > 1_000, "no predictions"
        confusion = sum(map(sum, metrics["confusion"]))
        assert confusion == metrics["num_sites"], (confusion, metrics["num_sites"])
        print(f"{folder}: accuracy {metrics['accuracy']:.4f} on {metrics['num_sites']} pixels,"
              f" {len(pictures)} pictures")  # fmt: skip
        # One that names every pixel alike has a mean efficiency of one in five.
        found = [row[k] / max(1, sum(row)) for k, row in enumerate(metrics["confusion"])]
        mean = sum(found) / len(found)
        assert mean > 0.5, f"mean efficiency of the classes {mean:.3f}, a guess has 0.2"
        # Crops have a Michel electron each five; ten planes need not have one.
        if name == "crops":
            assert min(found) > 0.2, f"least efficiency of a class {min(found):.3f}"
        # A network that learned nothing tells tracks from showers no better than the larger side.
        tracks = sum(map(sum, metrics["confusion"][:2]))
        guess = max(tracks, confusion - tracks) / confusion
        told = metrics["track_shower"]["accuracy"]
        assert told > guess + 0.05, f"track / shower {told:.3f}, a guess has {guess:.3f}"
    report, events = demo / "report.html", demo / "events.html"
    assert report.read_text(encoding="utf-8").count("<img") == 7, "a picture lacks in the report"
    assert events.stat().st_size > 1_000_000, "no events"


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
