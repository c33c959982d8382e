"""The one error of this package, and the line that it is."""


class ModelError(ValueError):
    """A model file or an image that cannot be used: one line that says what to do."""


def one_line(error: object) -> str:
    """The text of an error without its line breaks; its type where it has none.

    >>> one_line(ValueError("two\\n  lines")), one_line(EOFError())
    ('two lines', 'EOFError')
    """
    return " ".join(str(error).split()) or type(error).__name__
