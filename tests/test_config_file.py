"""Config files that fail are answered in one line."""

import pytest

from jaxsparse.config_file import load_checked
from jaxsparse.errors import InputError


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("get_config(", "SyntaxError"),
        ("def get_config():\n    return undefined\n", "NameError in line 2: name 'undefined'"),
        (
            "def get_config():\n    return {}\n",
            "get_config returns dict, it must return a ConfigDict",
        ),
        ("x = 1\n", "KeyError: 'get_config'"),
        ("\0", "null byte"),
        ("raise IndexError('a\\nb')", "IndexError in line 1: a b"),
    ],
)
def test_a_config_file_that_fails_is_answered_in_one_line(tmp_path, text, message):
    (tmp_path / "c.py").write_text(text)
    with pytest.raises(InputError) as caught:
        load_checked(str(tmp_path / "c.py"))
    assert message in " ".join(str(caught.value).split())


def test_what_a_config_file_refuses_is_said_without_its_traceback():
    with pytest.raises(InputError) as caught:
        load_checked("nova_comparison:dens")
    assert "--config=nova_comparison:dens: row is 'dens': must be one of" in str(caught.value)


def test_heads_after_a_colon_that_a_recipe_does_not_take_are_one_line():
    with pytest.raises(InputError, match=r"smoke.py takes nothing, leave out :edges"):
        load_checked("smoke:edges")
