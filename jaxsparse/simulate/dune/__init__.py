"""Pixel maps of a liquid-argon far detector, as DUNE's public classifier events have them.

``detector`` says what it is, ``generator`` makes neutrino interactions in it, ``response`` turns
their deposits into hits on wires, ``pixel_maps`` into the three views, ``source`` gives whole
events by number.
"""
