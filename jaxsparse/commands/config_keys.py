"""Every key of a config, for the help of ``jaxsparse train``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jaxsparse.flag_help import entry
from jaxsparse.rules import BOUND, FINITE, LARGEST, SWITCH, TEXT, Setting
from jaxsparse.settings import SETTINGS
from jaxsparse.typed_config import as_text

_ANY = (BOUND, FINITE, SWITCH, TEXT)  # rules that a value's type says already
_LARGEST = f" to {LARGEST}"
_WORDS = {int: "NUMBER", float: "NUMBER", str: "TEXT", tuple: "A,B", bool: "true|false"}


def described_keys() -> str:
    """Each key with its type, meaning, range and default, by group."""
    # Networks are loaded where somebody asks for this alone.
    from jaxsparse.models.backbones import BACKBONES, Backbone
    from jaxsparse.models.fields import settings_of
    from jaxsparse.models.heads import HEADS
    from jaxsparse.models.registry import IMAGES

    every = settings_of(Backbone)
    lines = ["Keys of the config:"]
    for group, settings in SETTINGS.items():
        lines += _entries(f"{group}." if group else "", settings)
    name = f"network; must be one of {', '.join(BACKBONES)}"
    lines += ["", "Of every network:", entry("--config.model.name=TEXT", name)]
    lines += _entries("model.", IMAGES | every)
    for name, backbone in BACKBONES.items():
        own = {key: each for key, each in settings_of(backbone).items() if each != every.get(key)}
        lines += ["", f"Of {name}:", *_entries("model.", own)]
    for name, head in HEADS.items():
        lines += ["", f"Of head {name}:", *_entries(f"model.heads.{name}.", settings_of(head))]
    return "\n".join(lines)


def _entries(prefix: str, settings: Mapping[str, Setting]) -> Iterator[str]:
    for name, setting in settings.items():
        key = f"--config.{prefix}{name}={_WORDS[type(setting.default)]}"
        default = as_text(setting.default) or "empty"
        rule = "" if setting.rule in _ANY else f"; must {setting.rule.words}"
        yield entry(key, f"{setting.meaning}{rule.replace(_LARGEST, ' up')} (default: {default})")
