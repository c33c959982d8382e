"""Events without Geant4: particles, detector response, labelled images.

``generator`` makes energy deposits in liquid argon, ``response`` images of them, ``source`` whole
events by number; ``scintillator`` does the same for two-view events, on the same particle code.
``python -m jaxsparse.data.simulate`` writes either to an event file with all cores.
"""
