"""Candidates: sites in three dimensions that the views of an event agree on.

``wires`` and ``cells`` find them, for planes of wires and for planes of cells; ``sites`` says what
they are, ``truth`` which of them are real.
"""
