"""MicroBooNE as a wire chamber: its box, planes, clock and electronics."""

from __future__ import annotations

from jaxsparse.detectors.microboone import MICROBOONE
from jaxsparse.simulate.transport.medium import LIQUID_ARGON
from jaxsparse.simulate.transport.world import DriftVolume, World
from jaxsparse.simulate.wire_chamber.chamber import WireChamber, WirePlane


def _plane(name: str, offset: float, pulse: float, width: float, noise: float, top: float):
    view = MICROBOONE.views[name]
    assert view.wire_angle is not None, "a wire plane"
    return WirePlane(name, view.wire_angle, offset, view.shape[1], pulse, width, noise, top)


# arXiv 1612.05824: x drift from the wires, y up, z beam; ticks 2400 to 8448 of 0.5 us, trigger at
# 3200.
MICROBOONE_WORLD = World(
    LIQUID_ARGON,
    DriftVolume((0.0, -116.5, 0.0), (256.0, 116.5, 1037.0), 0.1098, (-400.0, 2624.0)),
)

# Drift speed as in LArSoft's settings for MicroBooNE ("measured 1.098 mm/us"), diffusion along the
# drift as measured (arXiv 2104.06551: 3.74 +0.28 -0.29 cm^2/s); across it from memory, not checked.
# The offsets centre the projected box on the induction wires. Induction signals are bipolar; what
# an image shows is their deconvolution, unipolar like the collection plane's but wider and noisier.
MICROBOONE_CHAMBER = WireChamber(
    name=MICROBOONE.name,
    low=(0.0, -116.5, 0.0),
    high=(256.0, 116.5, 1036.8),
    planes=(
        _plane("U", 100.8, 1.3, 0.05, 2.5, 2047.0),
        _plane("V", 100.8, 1.3, 0.05, 2.5, 2047.0),
        _plane("Y", 0.0, 1.1, 0.03, 2.2, 3600.0),
    ),
    world=MICROBOONE_WORLD,
    field=0.273,
)
