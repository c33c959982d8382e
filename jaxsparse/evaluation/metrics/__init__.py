"""Figures of merit, each a file: what an evaluation hands to every one of them, and what they say.

:class:`~jaxsparse.evaluation.metrics.metric.Metric` is all that they share. A new one is its own
file and a line in the list of a head (``evaluation/heads/``).
"""
