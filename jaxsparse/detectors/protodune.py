"""ProtoDUNE-HD: one readout unit (APA) of a liquid-argon chamber, three wire planes.

Rows are ticks or several of them, as the converter was told: an image's height varies. The classes,
and the values that networks see, are MicroBooNE's: a minimum ionising particle leaves 30.0 thousand
electrons a wire at 500 V/cm and 4.79 mm, and 16.9 thousand, 56 ADC, in MicroBooNE.
"""

from __future__ import annotations

from jaxsparse.detectors.detector import Detector, DetectorView
from jaxsparse.detectors.dune import WIRE_ANGLES
from jaxsparse.detectors.microboone import MASK, MICROBOONE

PROTODUNE_WIRES = {"U": 800, "V": 800, "W": 960}  # in order of a unit's channels
MIP_SCALE = 530.0  # electrons an ADC of MicroBooNE that a minimum ionising particle gives alike
_ANGLES = {"U": WIRE_ANGLES["U"], "V": WIRE_ANGLES["V"], "W": WIRE_ANGLES["Z"]}

PROTODUNE = Detector(
    name="protodune_hd",
    views={
        name: DetectorView(
            axes=("time row", "wire"), unit="electrons", low=MASK[0] * MIP_SCALE,
            high=MASK[1] * MIP_SCALE, std=MICROBOONE.views["Y"].std * MIP_SCALE,
            wire_angle=_ANGLES[name],
        )
        for name in PROTODUNE_WIRES
    },
    pixel_classes=MICROBOONE.pixel_classes,
    drift=(1.0, 0.0, 0.0),
)  # fmt: skip
