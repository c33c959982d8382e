"""Particles in matter: tracks, showers, hadrons and decays, from creation to the last step.

``world`` and ``medium`` say where they move, ``vertices`` and ``cosmics`` where they begin,
``generator`` carries all of an event, ``truth`` names what they leave.
"""
