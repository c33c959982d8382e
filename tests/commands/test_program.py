"""``jaxsparse COMMAND``: its commands, their help, and names that are none."""

import importlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jaxsparse.commands import program
from jaxsparse.inference.grouping import GROUPINGS, JOINED
from tests.fuzz.program import run as run_here

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jaxsparse", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100)


def test_help_lists_every_command_with_a_line():
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for name, command in program.COMMANDS.items():
        assert f"  {name:10}  {command.meaning}\n" in done.stdout
    assert run().stderr == done.stdout


@pytest.mark.parametrize("name", program.COMMANDS)
def test_a_command_says_how_it_is_called_and_defines_its_flags_when_asked(name):
    module = importlib.import_module(f"jaxsparse.commands.{name}")
    assert f"    jaxsparse {name} " in str(module.__doc__)
    assert callable(module.define_flags)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("trian", "did you mean train?"), ("xyz", "commands are train, eval, ")],
)
def test_an_unknown_command_is_answered_with_the_nearest(name, remedy, capsys):
    with pytest.raises(SystemExit) as end:
        program.run([name])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {name!r} is no command of jaxsparse, {remedy}")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "flag", "said"),
    [
        ("predict", "--grouping=linked", "jaxsparse eval has it, leave it out here."),
        ("predict", "--num_events=3", "jaxsparse eval, jaxsparse rescale have it, leave it out"),
        ("predict", "--modle=a", "Did you mean --model?"),
        ("eval", "--groupng=x", "Did you mean --grouping?"),
        ("eval", "--value_scal=2", "Did you mean --value_scale?"),
        ("predict", "--input=a", "Did you mean --data=a?"),
    ],
)
def test_a_flag_of_another_command_is_answered_with_its_name(command, flag, said, tmp_path):
    outcome = run_here(command, [flag], tmp_path)
    assert outcome.status == 2
    (line,) = outcome.lines
    assert line.startswith(f"error: {flag.partition('=')[0]}: no such flag. {said}")


@pytest.mark.parametrize(
    "earlier",
    [
        [str(ROOT / "eval.py")],
        ["-m", "jaxsparse.export"],
        ["-m", "jaxsparse.data.simulate"],
    ],
)
def test_earlier_names_of_commands_serve_on(earlier):
    command = [sys.executable, *earlier]
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, timeout=100)
    name = Path(earlier[-1].replace(".py", "")).name.rsplit(".", 1)[-1]
    assert f"    jaxsparse {name} --" in done.stdout


def test_a_folder_that_is_not_there_is_named_before_it_is_made(tmp_path):
    out = tmp_path / "a" / "b.h5"
    arguments = ["simulate", f"--out={out}", "--events=0", "--views=Y"]
    line = f"--out={out}: the folder {out.parent} is not there, it will be made\n"
    assert run(*arguments).stdout.startswith(line)
    assert out.is_file()
    assert line not in run(*arguments).stdout


def test_help_has_the_options_of_foreign_formats_last():
    done = run("predict", "--help")
    own, foreign = done.stdout.split("Options of foreign formats, event files have none:")
    assert "--model=PATH" in own
    assert "--part_seconds=NUMBER" in own
    assert "--views" not in own
    assert "--placements=NUMBER" in foreign
    assert "--out" not in foreign


def test_help_that_nobody_reads_to_its_end_is_no_fault():
    command = f"{sys.executable} -m jaxsparse convert --help | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=100)
    assert done.stderr == ""


def test_ctrl_c_while_modules_are_loaded_is_one_line(tmp_path):
    """Held up at the first module that the command loads."""
    (tmp_path / "h5py.py").write_text("import time\nprint('here', flush=True)\ntime.sleep(60)\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.path.insert(1, {str(ROOT)!r})\n"
    code += "from jaxsparse.__main__ import main; main(['simulate', '--help'])"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=100)
    assert (process.returncode, said) == (130, "interrupted\n")


def test_eval_says_of_every_grouping_that_there_is_one():
    said = run("eval", "--help").stdout.split("--grouping=TEXT")[1].split("--joiner=")[0]
    for name in (*GROUPINGS, JOINED):
        assert name in said
