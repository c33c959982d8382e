"""Two-view events of a segmented liquid-scintillator detector, after NOvA's far detector.

``detector`` says what it is, ``generator`` makes energy deposits with the particle code of the
liquid-argon simulation, ``response`` turns them into hits, ``pixel_maps`` into the two views with
their truth, ``source`` gives whole events by number.
"""
