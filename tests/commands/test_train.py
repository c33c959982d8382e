"""``jaxsparse train``: its help, and the config that it prints."""

import pytest
from absl import flags

from jaxsparse import models, settings
from jaxsparse.command_line import define_config, parse_flags
from jaxsparse.commands import train
from jaxsparse.commands.config_keys import described_keys
from jaxsparse.config_file import load_config
from jaxsparse.errors import InputError
from jaxsparse.settings import flatten
from jaxsparse.training.chosen_config import chosen_config
from jaxsparse.training.config import default_config


@pytest.fixture
def values(monkeypatch):
    """Flags of the command alone."""
    fresh = flags.FlagValues()
    define_config(flag_values=fresh)
    flags.DEFINE_string("flagfile", "", "", flag_values=fresh)
    for name in ("print_config", "dry_run"):
        flags.DEFINE_bool(name, False, "", flag_values=fresh)
    flags.DEFINE_string("workdir", None, "", flag_values=fresh)
    monkeypatch.setattr(flags, "FLAGS", fresh)
    return fresh


def test_help_has_every_key_of_every_network():
    text = described_keys()
    for network in models.BACKBONES:
        for key, _ in flatten(default_config(network, tuple(models.HEADS))):
            assert f"  --config.{key}=" in text
    assert "a whole number from 1 to 8 (default: 4)" in text  # of data.num_buckets


@pytest.mark.parametrize("recipe", ["nova_comparison:fishnet_no_cosmics", "dune_small"])
def test_the_printed_config_is_read_as_flags_again(recipe, values, capsys, tmp_path):
    parse_flags(["train", f"--config={recipe}", "--print_config", "--config.seed=3"])
    train.main([])
    written = tmp_path / "flags"
    written.write_text(capsys.readouterr().out)
    parse_flags(["train", f"--flagfile={written}"])
    config = load_config(recipe)
    config.seed = 3
    assert chosen_config(values.config).config == config
    settings.check_config(config)


def test_a_work_directory_is_needed_to_train(values):
    parse_flags(["train", "--config=smoke"])
    with pytest.raises(InputError, match=r"--workdir is required"):
        train.main([])
