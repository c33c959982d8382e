"""The main job end to end in three to five minutes: simulate, train, evaluate, look.

    python demo.py [FOLDER]

Prints each command before it runs it, so that you can repeat and change any of them. Everything
lands in FOLDER (default ``demo``); a second run picks up where the first one stopped.
"""

import pathlib
import shlex
import subprocess
import sys
import time

from jaxsparse import command_line
from jaxsparse.paths import make_folder, user_path

TRAINING_EVENTS, VALIDATION_EVENTS, TEST_EVENTS = 800, 60, 60


def simulate(folder: pathlib.Path, name: str, events: int, seed: int) -> list[str]:
    """The command that simulates one file, or none where the file is already there."""
    path = folder / f"{name}.h5"
    if path.exists():
        return []
    return [
        "simulate",
        f"--out={path}",
        f"--events={events}",
        f"--seed={seed}",
        "--views=Y",
    ]


def steps(folder: pathlib.Path) -> list[list[str]]:
    """The commands of the demonstration, each as arguments of ``jaxsparse``."""
    run, test = folder / "run", folder / "test.h5"
    return [
        simulate(folder, "train", TRAINING_EVENTS, seed=1),
        simulate(folder, "validation", VALIDATION_EVENTS, seed=2),
        simulate(folder, "test", TEST_EVENTS, seed=3),
        [
            "train", "--config=smoke", f"--workdir={run}",
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
    ]  # fmt: skip


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
    print(f"\nDone in {(time.monotonic() - begin) / 60:.1f} minutes. Look at the pictures:")
    for picture in sorted(folder.rglob("*.png")):
        print(f"  {picture}")


if __name__ == "__main__":
    command_line.run(main, positional=1)
