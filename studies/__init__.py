"""Tables and pictures of the documentation, and the figures that tests check; not installed.

Each runs from a checkout: ``python -m studies.transport.validation --out=docs/images/simulation``.
"""
