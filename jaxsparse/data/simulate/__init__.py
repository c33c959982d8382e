"""Liquid-argon events without Geant4: particles, detector response, labelled images.

``generator`` makes energy deposits, ``response`` images of them, ``source`` whole events by number;
``python -m jaxsparse.data.simulate`` writes them to an event file with all cores.
"""
