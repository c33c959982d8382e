"""Trained networks away from their training: in one line, on files, and without this package."""
