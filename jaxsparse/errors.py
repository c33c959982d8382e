"""The one exception for what a user passed in."""


class InputError(ValueError):
    """A mistake in what the user gave: one line with name, value, rule and remedy.

    The library raises it; the command lines print its text and exit with status 2, without a
    traceback. A defect of the program itself is never an ``InputError``.

    >>> raise InputError("data.crop (0, 512): sides must be positive, set data.crop=(512,512)")
    Traceback (most recent call last):
        ...
    jaxsparse.errors.InputError: data.crop (0, 512): sides must be positive, set data.crop=(512,512)
    """
