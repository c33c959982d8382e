"""ProtoDUNE-HD: one readout unit (APA) of a liquid-argon chamber, three wire planes.

Rows are ticks or several of them, as the converter was told: an image's height varies.
"""

from __future__ import annotations

from jaxsparse.detectors.detector import Detector, DetectorView
from jaxsparse.detectors.dune import WIRE_ANGLES

PROTODUNE_WIRES = {"U": 800, "V": 800, "W": 960}  # in order of a unit's channels
_ANGLES = {"U": WIRE_ANGLES["U"], "V": WIRE_ANGLES["V"], "W": WIRE_ANGLES["Z"]}

PROTODUNE = Detector(
    name="protodune_hd",
    views={
        name: DetectorView(axes=("time row", "wire"), unit="electrons", wire_angle=_ANGLES[name])
        for name in PROTODUNE_WIRES
    },
    drift=(1.0, 0.0, 0.0),
)
