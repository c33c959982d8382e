"""Mistakes that can be known at once are answered before modules are loaded that take seconds."""

import subprocess
import sys

import pytest

from jaxsparse.data.event_file import EventWriter
from jaxsparse.errors import InputError
from jaxsparse.typed_config import TypedConfig, check_typed

HEAVY = ("flax", "jax", "matplotlib", "orbax")
CODE = f"""
import sys
from jaxsparse.__main__ import main
try:
    main(sys.argv[1:])
finally:
    print([name for name in {HEAVY} if name in sys.modules])
"""
NETWORK, RECIPE = "--model=sparsessnet_y", ("train", "--config=smoke", "--workdir=w")
JOIN = "join several by jaxsparse convert --format=events"
DATA = ("--config.data.train=a.h5", "--config.data.validation=a.h5")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with an event file."""
    path = tmp_path_factory.mktemp("quick")
    with EventWriter(path / "a.h5", detector="microboone", views={"Y": (64, 64)}):
        pass
    return path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*RECIPE, "--steps=5"), "Did you mean --config.train.steps=5?"),
        ((*RECIPE, "--config.train.stepz=5"), "did you mean --config.train.steps=5?"),
        ((*RECIPE, "--config.data.train=no.h5"), "no.h5 does not exist"),
        ((*RECIPE, DATA[0], "--config.data.validation=no.h5"), "no.h5 does not exist"),
        (
            (*RECIPE, DATA[0], "--config.data.train=b.h5"),
            "given twice, a.h5 and b.h5: it takes one",
        ),
        ((*RECIPE, "--config.data.train=[ab].h5"), f"{JOIN} --input='[ab].h5' --out=all.h5"),
        ((*RECIPE, "--config.data.train=a.h5,b.h5"), f"{JOIN} --input=a.h5 --input=b.h5 --out"),
        (("eval", NETWORK, "--data=a.h5", "--data=b.h5"), f"{JOIN} --input=a.h5 --input=b.h5"),
        ((*RECIPE, *DATA, "--config.train.start_from=sparsesnet_y"), "did you mean sparsessnet_y?"),
        (("eval", "--workdir=no", "--data=a.h5"), "no/config.json is missing"),
        (("eval", NETWORK, "--data=no.h5", "--out=o"), "no.h5 does not exist"),
        (("eval", "--model=sparsesnet_y", "--data=a.h5", "--out=o"), "did you mean sparsessnet_y?"),
        (("predict", NETWORK, "--data=no.h5", "--out=o.h5"), "no.h5 is no file, pattern or"),
        (("predict", "--model=no/x", "--data=a.h5", "--out=o.h5"), "there is no such file"),
        (("export", "--model=sparsesnet_y", "--out=o.pyz"), "did you mean sparsessnet_y?"),
        (("rescale", NETWORK, "--data=no.h5", "--out=o.safetensors"), "no.h5 does not exist"),
        (("view", "no.h5"), "no.h5 is no file, pattern or"),
        (("inspect", "no.h5"), "no.h5 does not exist"),
        (("candidates", "no.h5", "--out=o.h5"), "no.h5 does not exist"),
        (("convert", "--input=no.h5", "--format=edep_sim", "--out=o.h5"), "no.h5 is not a file"),
        (("simulate", "--events=3"), "--out is required"),
    ],
)
def test_a_mistake_is_answered_before_heavy_modules_are_loaded(folder, arguments, said):
    done = subprocess.run(
        [sys.executable, "-c", CODE, *arguments],
        capture_output=True, text=True, timeout=100, cwd=folder,
    )  # fmt: skip
    (line,) = done.stderr.splitlines()
    assert said in line
    assert (done.returncode, done.stdout) == (2, "[]\n")


def test_keys_of_the_network_and_of_objectives_wait_for_the_recipe():
    check_typed(TypedConfig("x", {"model.depth": "3", "objectives.event.q": "1", "filters": "2"}))
    check_typed(TypedConfig("x", {"seed": "3", "data.crop": "()", "train.minutes": "1"}))
    with pytest.raises(InputError, match=r"seed=a: must be of type int"):
        check_typed(TypedConfig("x", {"seed": "a"}))
