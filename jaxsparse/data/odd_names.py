"""What two lists of class names do not have in common, in words."""

from __future__ import annotations

from collections.abc import Sequence


def odd_names(found: Sequence[str], wanted: Sequence[str], *, of_found: str, of_wanted: str) -> str:
    """The names that one list alone has; of two lists of the same names, that the order differs.

    Args:
      found, wanted: two lists that differ.
      of_found, of_wanted: what has them, in words.

    >>> odd_names(["line", "dashed"], ["line", "blob"], of_found="the file", of_wanted="the config")
    'blob is not in the file, dashed is not in the config'
    >>> odd_names(["b", "a"], ["a", "b"], of_found="the file", of_wanted="the config")
    'the same names in another order'
    """
    lacking = [name for name in wanted if name not in found]
    unknown = [name for name in found if name not in wanted]
    said = [
        f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not in {place}"
        for names, place in ((lacking, of_found), (unknown, of_wanted))
        if names
    ]
    return ", ".join(said) or "the same names in another order"
