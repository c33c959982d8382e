"""Mistakes on the command line: one line, exit status 2, no traceback."""

import os
import pathlib
import shlex
import subprocess
import sys

import pytest
from absl import flags

from jaxsparse.command_line import _as_flag, define_config, define_path, parse_flags, typed
from jaxsparse.config_file import config_path
from jaxsparse.errors import InputError
from jaxsparse.typed_config import TypedConfig

ROOT = pathlib.Path(__file__).resolve().parents[1]
SMOKE = str(ROOT / "jaxsparse" / "recipes" / "smoke.py")


@pytest.fixture
def values(monkeypatch):
    """The flags of ``jaxsparse train``, apart from those of this process."""
    fresh = flags.FlagValues()
    define_config(flag_values=fresh)
    define_path("workdir", None, "", flag_values=fresh)
    define_path("input", None, "", multiple=True, flag_values=fresh)
    flags.DEFINE_string("flagfile", "", "", flag_values=fresh)
    flags.mark_flag_as_required("config", flag_values=fresh)
    monkeypatch.setattr(flags, "FLAGS", fresh)
    return fresh


def parse(*arguments: str, positional: int = 0) -> list[str]:
    return parse_flags(["train.py", *arguments], positional=positional)


def test_the_command_that_was_typed_can_be_typed_again():
    fresh = flags.FlagValues()
    define_path("data", None, "", flag_values=fresh)
    define_path("input", None, "", multiple=True, flag_values=fresh)
    flags.DEFINE_bool("whole_plane", False, "", flag_values=fresh)
    flags.DEFINE_list("thresholds", None, "", flag_values=fresh)
    flags.DEFINE_integer("seed", 0, "", flag_values=fresh)
    given = ["--data=a b.h5", "--input=x", "--input=y", "--whole_plane", "--thresholds=a>0.5,b"]
    fresh(["eval", *given])
    assert shlex.split(typed("jaxsparse eval", flag_values=fresh)) == ["jaxsparse", "eval", *given]


def test_what_is_typed_of_a_config_is_kept_for_it(values):
    parse(
        f"--config={SMOKE}", "--config.optimizer.learning_rate=1", "--config.data.crop=()",
        "--config.model.remat", "--config.data.train", "a b.h5", "--workdir=w",
    )  # fmt: skip
    assert values.config == TypedConfig(
        SMOKE,
        {
            "optimizer.learning_rate": "1",
            "data.crop": "()",
            "model.remat": None,
            "data.train": "a b.h5",
        },
    )
    assert values.workdir == pathlib.Path("w")


def test_every_path_flag_is_a_path_as_a_shell_would_read_it(values, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "c.py").write_text(pathlib.Path(SMOKE).read_text())
    parse("--config=~/c.py", "--workdir=~/w", "--input=~/a", "--input", "b*.h5")
    assert values.workdir == tmp_path / "w"
    assert values.input == [tmp_path / "a", pathlib.Path("b*.h5")]
    assert values.config.recipe == "~/c.py"


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--workdir=", "--workdir is '': it must be a path"),
        ("--workdir=~nobody-at-all/x", "--workdir is '~nobody-at-all/x': ~nobody-at-all has no"),
        ("--input=a\nb", r"--input is 'a\nb': a path must be UTF-8 text"),
        ("--config=a\0b", r"--config is 'a\x00b': a path must"),
        ("--config=", "--config is '': it must be a path"),
    ],
)
def test_what_is_no_path_is_refused_by_the_name_of_its_flag(values, argument, message):
    with pytest.raises(InputError) as caught:
        parse(f"--config={SMOKE}", argument)
    assert str(caught.value).startswith(message)


def test_flags_from_a_file_are_checked_like_typed_ones(values, tmp_path):
    (tmp_path / "flags").write_text(f"--config={SMOKE}\n--config.seed=5\n--workdir=w\n")
    parse(f"--flagfile={tmp_path / 'flags'}")
    assert values.config.keys == {"seed": "5"}
    (tmp_path / "flags").write_text(f"--config={SMOKE}\n--wokdir=w\n")
    with pytest.raises(InputError, match=r"Did you mean --workdir"):
        parse(f"--flagfile={tmp_path / 'flags'}")
    for content in (b"\xff\xfe\0", None):
        (tmp_path / "flags").unlink()
        if content:
            (tmp_path / "flags").write_bytes(content)
        with pytest.raises(InputError):
            parse(f"--flagfile={tmp_path / 'flags'}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--wokdir=x"], "--wokdir: no such flag. Did you mean --workdir?"),
        (["stray"], "'stray' is one too many"),
        (["workdir", "is", "w"], "'workdir' is one too many"),
        (["workdir", "is", "w"], "did you mean --workdir=...?"),
    ],
)
def test_a_mistake_is_answered_with_the_remedy(values, arguments, message):
    with pytest.raises(InputError) as caught:
        parse(f"--config={SMOKE}", *arguments)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("argument", "meant"),
    [
        ("--steps=10", "--config.train.steps=10"),
        ("--train.steps=10", "--config.train.steps=10"),
        ("--batch_size=4", "--config.train.batch_size=4"),
        ("--batch-size=4", "--config.train.batch_size=4"),
        ("--data=train.h5", "--config.data.train=train.h5"),
        ("--learning_rate=1e-3", "--config.optimizer.learning_rate=1e-3"),
        ("--optimizer.lerning_rate=1", "--config.optimizer.learning_rate=1"),
        ("--model.filters=16", "--config.model.filters=16"),
        ("--flip_time", "--config.data.flip_time"),
        ("--name=sgd", "--config.optimizer.name=sgd"),
    ],
)
def test_a_key_without_its_prefix_is_answered_with_the_whole_flag(values, argument, meant):
    with pytest.raises(InputError) as caught:
        parse(f"--config={SMOKE}", argument)
    name = argument.partition("=")[0]
    assert str(caught.value) == f"{name}: no such flag. Did you mean {meant}?"


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--config=smoke", "Configs are for jaxsparse train: a network keeps the one that it was"),
        ("--config.data.crop=64,64", "jaxsparse train --config.data.crop: a network keeps"),
        ("--data.crop=64,64", "jaxsparse train --config.data.crop: a network keeps the one"),
        ("--batch_size=4", "A training has train.batch_size, and a network keeps its config"),
        ("--wokdir=x", "Did you mean --workdir?"),
    ],
)
def test_a_program_without_a_config_says_who_takes_a_key(monkeypatch, argument, said):
    fresh = flags.FlagValues()
    define_path("workdir", None, "", flag_values=fresh)
    flags.DEFINE_string("flagfile", "", "", flag_values=fresh)
    monkeypatch.setattr(flags, "FLAGS", fresh)
    with pytest.raises(InputError) as caught:
        parse(argument)
    assert str(caught.value).startswith(f"{argument.partition('=')[0]}: no such flag. ")
    assert said in str(caught.value)


def test_a_flag_that_is_near_none_but_those_of_absl_is_answered_without_a_guess():
    done = subprocess.run(
        [sys.executable, "-m", "jaxsparse", "eval", "--heads=edges"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: --heads: no such flag. jaxsparse eval --help lists all.\n"


def test_a_missing_config_file_is_answered_with_the_nearest(values):
    with pytest.raises(
        InputError, match=r"smok.py: neither a file nor a recipe, did you mean .*configs/smoke.py"
    ):
        parse(f"--config={ROOT / 'configs' / 'smok.py'}")


def test_a_recipe_is_chosen_by_name_unless_a_file_has_it(values, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parse("--config=smoke", "--config.seed=5")
    assert values.config == TypedConfig("smoke", {"seed": "5"})
    assert config_path("smoke") == SMOKE
    (tmp_path / "smoke").write_text("a file of this name")
    assert config_path("smoke") == "smoke"


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("smok", "did you mean smoke?"),
        ("nova_comparson:dense", "did you mean nova_comparison?"),
        ("zzz", "recipes are demo, dune_fishnet, "),
    ],
)
def test_an_unknown_recipe_is_answered_with_the_nearest(values, text, remedy):
    with pytest.raises(InputError) as caught:
        parse(f"--config={text}")
    assert str(caught.value).startswith(f"--config={text}: neither a file nor a recipe, {remedy}")


@pytest.mark.parametrize(
    ("argument", "meant"),
    [("--recipe=smoke", "--config=smoke"), ("--out=a", "--workdir=a"), ("--output", "--workdir")],
)
def test_a_flag_of_another_program_is_answered_with_the_own_one(values, argument, meant):
    with pytest.raises(InputError, match=rf"no such flag. Did you mean {meant}\?$"):
        parse(f"--config={SMOKE}", argument)


def test_a_recipe_without_its_flag_is_answered_with_it(values):
    with pytest.raises(InputError, match=r"^--config is required. Did you mean --config=smoke\?$"):
        parse("smoke", "--workdir=w")


def test_a_missing_flag_is_named(values):
    with pytest.raises(InputError, match="--config is required"):
        parse()


def test_an_override_without_a_config_is_refused(values):
    with pytest.raises(InputError, match=r"--config.seed is given without --config"):
        parse("--config.seed=3")


def test_arguments_beside_flags_are_taken_where_the_program_wants_them(values):
    assert parse(f"--config={SMOKE}", "a.h5", positional=1) == ["train.py", "a.h5"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workdir=nowhere", "--config.data.trian=x"], "did you mean --config.data.train=x?"),
        (["--workdir=nowhere", "--config.data.train=absent.h5"], "absent.h5"),
    ],
)
def test_train_exits_with_2_and_one_line(arguments, message, tmp_path):
    process = subprocess.run(
        [sys.executable, str(ROOT / "train.py"), f"--config={SMOKE}", *arguments],
        capture_output=True, text=True, cwd=tmp_path, timeout=300,
    )  # fmt: skip
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_a_setting_out_of_range_is_named_as_its_flag(values):
    parse(f"--config={SMOKE}")
    assert _as_flag("workdir is 'x': choose another") == "--workdir is 'x': choose another"
    for other in ("workdirs is 'x': no", "workdir of x is not there", "workdir", ""):
        assert _as_flag(other) == other


@pytest.mark.parametrize("content", [None, b"\xff\xfe\0"])
def test_a_bad_flagfile_is_one_line_before_anything_is_defined(tmp_path, content):
    file = tmp_path / "flags"
    if content:
        file.write_bytes(content)
    process = subprocess.run(
        [sys.executable, str(ROOT / "train.py"), f"--flagfile={file}"],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert process.returncode == 2
    assert len(process.stderr.splitlines()) == 1


@pytest.mark.parametrize("flag", ["--help", "-h", "--helpshort"])
def test_help_shows_the_programs_own_flags_and_is_no_error(flag):
    process = subprocess.run(
        [sys.executable, str(ROOT / "train.py"), flag], capture_output=True, text=True, timeout=300
    )
    assert process.returncode == 0
    assert process.stderr == ""
    for name in ("--config=", "--workdir="):
        assert name in process.stdout


@pytest.mark.parametrize("module", ["studies.volume", "jaxsparse.evaluation.studies.joiner"])
def test_help_of_a_study_is_its_docstring_and_its_own_flags(module):
    process = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        capture_output=True, text=True, timeout=300, cwd=ROOT,
    )  # fmt: skip
    assert (process.returncode, process.stderr) == (0, "")
    assert f"    python -m {module} --" in process.stdout
    _, own = process.stdout.split("\nFlags:\n")
    assert "  --data=PATH\n      event file" in own
    for name in ("pdb", "helpfull", "verbosity", "grain", "orbax"):
        assert name not in own


def test_a_device_that_jax_does_not_find_is_one_line(tmp_path):
    script = tmp_path / "asks.py"
    script.write_text(
        "from jaxsparse import command_line\n"
        "def main(arguments):\n"
        "    import jax\n"
        "    jax.devices()\n"
        "command_line.run(main)\n"
    )
    for platform, extra in (("cuda", "cuda12"), ("tpu", "tpu"), ("nonsense", "cuda12")):
        process = subprocess.run(
            [sys.executable, script], capture_output=True, text=True, timeout=300,
            env=os.environ | {"JAX_PLATFORMS": platform},
        )  # fmt: skip
        if process.returncode == 0:
            pytest.skip(f"there is {platform}")
        assert process.returncode == 2
        said = process.stderr.splitlines()[-1]
        assert said.startswith(f"error: JAX_PLATFORMS is '{platform}' but JAX finds no such device")
        assert f"jax[{extra}]" in said
        assert "Traceback" not in process.stderr


def test_a_defect_keeps_its_traceback(tmp_path):
    script = tmp_path / "broken.py"
    script.write_text(
        "from jaxsparse import command_line\n"
        "def main(arguments):\n"
        "    raise ValueError('a defect')\n"
        "command_line.run(main)\n"
    )
    process = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300)
    assert process.returncode == 1
    assert "Traceback" in process.stderr
