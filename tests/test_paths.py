"""What a user types as a path is understood as a shell would, or refused in one line."""

import os
import sys
from pathlib import Path

import pytest

from jaxsparse.errors import InputError
from jaxsparse.paths import make_folder, user_path


def refusal(text, name="out"):
    with pytest.raises(InputError) as caught:
        user_path(text, name)
    message = str(caught.value)
    assert message.startswith(f"{name} is ")
    assert message.isprintable()
    return message


def test_a_tilde_is_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("~/x.h5") == tmp_path / "x.h5"
    assert user_path("~") == tmp_path
    assert user_path("a/~/b") == Path("a/~/b")


@pytest.mark.skipif(sys.platform == "win32", reason="no users by name")
def test_a_tilde_with_a_name_is_that_users_home_folder():
    import pwd

    someone = pwd.getpwuid(os.getuid())
    assert user_path(f"~{someone.pw_name}/x") == Path(someone.pw_dir, "x")
    assert "~nobody-of-that-name has no home folder" in refusal("~nobody-of-that-name/x")


def test_a_name_that_begins_with_a_tilde_can_be_written(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    path = user_path("./~backup")
    assert path.absolute() == tmp_path / "~backup"
    assert user_path(path) == path  # it has been read: no second expansion


@pytest.mark.parametrize("text", ["", " ", "\t\n"])
def test_nothing_is_no_path(text):
    assert "it must be a path" in refusal(text)


@pytest.mark.parametrize(
    "text", ["a\0b", "a\nb", "a\rb", "a\x1b[2Kb", "a\u2028b", "\udcff.h5", "\ud800"]
)
def test_what_is_no_line_of_text_is_refused_in_one_line(text):
    assert "must be UTF-8 text" in refusal(text)


@pytest.mark.parametrize(
    "text", ["a [1]*?.h5", "a\\b", "a b ", "ä.h5", "10.30\u202fPM", "$HOME", "-", "*"]
)
def test_odd_but_legal_names_are_taken_as_they_are(text):
    assert str(user_path(text)) == text


def test_what_the_system_cannot_look_up_is_refused_at_once(tmp_path):
    loop, file = tmp_path / "loop", tmp_path / "file"
    loop.symlink_to(loop)
    file.touch()
    for text in (loop, file / "below", tmp_path / ("n" * 300), "d" * 5000):
        assert "cannot be looked up" in refusal(str(text))


def test_a_path_that_is_too_deep_is_refused(tmp_path):
    assert "256 folders deep" in refusal(f"{tmp_path}/" + "d/" * 1200)


def test_a_path_that_does_not_exist_is_for_the_caller_to_judge(tmp_path):
    assert user_path(f"{tmp_path}/a/b") == tmp_path / "a/b"


def test_a_folder_is_made_or_refused_in_one_line(tmp_path):
    assert make_folder(tmp_path / "a/b", "out").is_dir()
    make_folder(tmp_path / "a/b", "out")
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file/below", tmp_path / ("n" * 300)):
        with pytest.raises(InputError, match=r"out is .* the folder cannot be made"):
            make_folder(path, "out")
