"""Wire-plane images of a liquid-argon chamber, after MicroBooNE.

``chamber`` says what it is, ``response`` turns energy deposits into images with the truth of every
pixel, ``source`` gives whole events by number.
"""
