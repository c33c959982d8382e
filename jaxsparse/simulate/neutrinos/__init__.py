"""Neutrino interactions without a detector: flux, cross sections, kinematics, hadrons, the nucleus.

``draw_interaction(InteractionConfig(...), rng)`` gives an ``Interaction``, ``add_interaction`` puts
its particles into an event's particle bank. What is modelled, and how it compares with what is
known: ``docs/neutrinos.md``.
"""

from jaxsparse.simulate.neutrinos.generator import InteractionConfig as InteractionConfig
from jaxsparse.simulate.neutrinos.generator import draw_interaction as draw_interaction
from jaxsparse.simulate.neutrinos.interaction import Interaction as Interaction
from jaxsparse.simulate.neutrinos.interaction import add_interaction as add_interaction
