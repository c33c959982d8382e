"""Recipes: each file makes the config of one training, ``--config=NAME``."""
