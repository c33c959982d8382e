"""Events without Geant4: particles, detector response, labelled images.

``transport`` carries particles through matter, ``neutrinos`` draws what a neutrino does,
``microboone``, ``nova`` and ``dune`` are detectors: what they are, what happens in them, their
response, and whole events by number. All of it is numpy alone.
``jaxsparse simulate`` writes events to an event file with all cores.
"""
