"""Scores of pixels: the class of every site of an image."""
