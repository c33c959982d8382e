"""The main job end to end in under ten minutes: simulate, train, evaluate, look.

    python demo.py [FOLDER]

Prints each command before it runs it, so that you can repeat and change any of them. Everything
lands in FOLDER (default ``demo``), and ``FOLDER/report.html`` shows it; a second run picks up where
the first one stopped.
"""

import pathlib
import shlex
import subprocess
import sys
import time

from jaxsparse import command_line
from jaxsparse.paths import make_folder, user_path

TRAINING_EVENTS, VALIDATION_EVENTS, TEST_EVENTS = 3000, 60, 100


def simulate(folder: pathlib.Path, name: str, events: int, seed: int, *more: str) -> list[str]:
    """The command that simulates one file, or none where the file is already there."""
    path = folder / f"{name}.h5"
    if path.exists():
        return []
    asked = [f"--out={path}", f"--events={events}", f"--seed={seed}"]
    return ["simulate", *asked, "--views=Y", "--topology=published_bomb", *more]


def steps(folder: pathlib.Path) -> list[list[str]]:
    """The commands of the demonstration, each as arguments of ``jaxsparse``."""
    run, test = folder / "run", folder / "test.h5"
    return [
        # Crops are trained on: a square about the interaction is enough of a plane.
        simulate(folder, "train", TRAINING_EVENTS, 1, "--window=704"),
        simulate(folder, "validation", VALIDATION_EVENTS, 2, "--window=704"),
        simulate(folder, "test", TEST_EVENTS, 3),
        [
            "train", "--config=demo", f"--workdir={run}",
            f"--config.data.train={folder / 'train.h5'}",
            f"--config.data.validation={folder / 'validation.h5'}",
        ],
        ["eval", f"--workdir={run}", f"--data={test}", f"--out={folder / 'crops'}"],
        [
            "eval", f"--workdir={run}", f"--data={test}", f"--out={folder / 'planes'}",
            "--whole_plane", "--num_events=10", "--pictures=3",
        ],
        [  # the network that comes with jaxsparse, trained for longer, on the same planes
            "eval", "--model=sparsessnet_y", f"--data={test}", f"--out={folder / 'pretrained'}",
            "--whole_plane", "--num_events=10", "--pictures=3",
        ],
        [
            "view", f"{test}", f"--predictions={folder / 'pretrained/predictions.h5'}",
            f"--out={folder / 'events.html'}",
        ],
    ]  # fmt: skip


# Folder of results -> what its network saw, and the pictures of it that the report shows.
RESULTS = {
    "crops": (
        "The network of this training, on crops",
        ("plots/training.png", "plots/confusion.png", "pictures/event_00000.png"),
    ),
    "planes": ("The same network, on whole planes", ("pictures/event_00000_zoom.png",)),
    "pretrained": (
        "sparsessnet_y, which comes with jaxsparse and was trained for longer, on whole planes",
        ("plots/confusion.png", "pictures/event_00000_zoom.png", "pictures/event_00000.png"),
    ),
}


def report(folder: pathlib.Path, minutes: float) -> str:
    """What was done, in Markdown: the first two tables of every evaluation, pictures, what next."""
    lines = [
        "# What demo.py did",
        f"{TRAINING_EVENTS} simulated events of MicroBooNE's plane Y, a small network trained on "
        f"them, and what it makes of {TEST_EVENTS} others, in {minutes:.1f} minutes. "
        "`events.html`, beside this page, has every pixel to zoom in on and to point at.",
    ]
    for name, (words, pictures) in RESULTS.items():
        paragraphs = (folder / name / "report.md").read_text(encoding="utf-8").split("\n\n")
        tables = [paragraph for paragraph in paragraphs if paragraph.startswith("|")]
        lines += [f"## {words}", *tables[:2], *(f"![{path}]({name}/{path})" for path in pictures)]
    lines.append("## What next")
    for words, command in next_commands(folder).items():
        lines += [f"{words}:", f"    {command}"]
    return "\n\n".join(lines) + "\n"


def next_commands(folder: pathlib.Path) -> dict[str, str]:
    """What to type after the demonstration, by what it is good for."""
    files = f"--config.data.train={folder / 'train.h5'} --config.data.validation="
    return {
        "Train the small network for longer, from where it is": "jaxsparse train --config=demo "
        f"--workdir={folder / 'longer'} --config.train.start_from={folder / 'run'} "
        f"--config.train.steps=30000 {files}{folder / 'validation.h5'}",
        "See what an own file holds": "jaxsparse inspect YOURS.h5 --picture=yours.png",
        "Score it with the network that comes along": "jaxsparse predict --model=sparsessnet_y "
        "--data=YOURS.h5 --out=scores.h5",
    }


def main(arguments: list[str]) -> None:
    here = pathlib.Path(__file__).resolve().parent
    folder = user_path(arguments[1] if len(arguments) > 1 else "demo", "FOLDER").resolve()
    make_folder(folder, "FOLDER")
    begin = time.monotonic()
    for arguments in filter(None, steps(folder)):
        print("\n$ python -m jaxsparse " + shlex.join(arguments), flush=True)
        command = [sys.executable, "-m", "jaxsparse", *arguments]
        status = subprocess.run(command, cwd=here).returncode
        if status:
            sys.exit(status)
    from jaxsparse.viz.report_page import report_page

    minutes = (time.monotonic() - begin) / 60
    page = report_page(report(folder, minutes), folder, "What demo.py did")
    (folder / "report.html").write_text(page, encoding="utf-8")
    print(f"\nDone in {minutes:.1f} minutes. Open in a browser:")
    print(f"  {folder / 'report.html'}\n  {folder / 'events.html'}\n\nWhat next:")
    for command in next_commands(folder).values():
        print(f"  {command}")


if __name__ == "__main__":
    command_line.run(main, positional=1)
