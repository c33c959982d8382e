"""Liquid-argon wire chambers, whatever the detector.

``chamber`` says what one is, ``charges`` drifts what is deposited, ``response`` and ``voxels`` make
images with the truth of every pixel, ``source`` gives whole events by number.
"""
