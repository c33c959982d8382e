"""Scores of whole events: one class an event, told from all its views."""
