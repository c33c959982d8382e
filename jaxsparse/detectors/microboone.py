"""MicroBooNE: three wire planes of a liquid-argon chamber, and its voxels.

Pixel classes, mask and scale are those of SparseSSNet (arXiv 2012.08513; R. Itay, CTD 2020), which
labels its pixels.
"""

from __future__ import annotations

from jaxsparse.detectors.class_set import ClassSet
from jaxsparse.detectors.detector import Detector, DetectorView

# Where particles share a pixel the first in this order names it.
CLASS_NAMES = ("HIP", "MIP", "shower", "delta", "Michel")
HIP, MIP, SHOWER, DELTA, MICHEL = range(5)
CLASS_COLOURS = ("#d62728", "#1f77b4", "#2ca02c", "#ff7f0e", "#9467bd")
MASK = (10.0, 300.0)  # ADC
PLANES = ("U", "V", "Y")
# Views in three dimensions beside the wire planes: cubes, and cells of the planes' time rows.
VOXELS, ROW_VOXELS = "voxels", "row_voxels"


def _plane(wires: int, wire_angle: float) -> DetectorView:
    return DetectorView(
        axes=("time row", "wire"), unit="ADC", shape=(1008, wires), low=MASK[0], high=MASK[1],
        std=50.0, wire_angle=wire_angle,
    )  # fmt: skip


MICROBOONE = Detector(
    name="microboone",
    views={
        "U": _plane(2400, 60.0),
        "V": _plane(2400, -60.0),
        "Y": _plane(3456, 0.0),
        VOXELS: DetectorView(axes=("x", "y", "z"), unit="MeV", shape=(854, 777, 3456)),
        ROW_VOXELS: DetectorView(axes=("time row", "y", "z"), unit="MeV", shape=(1008, 777, 3456)),
    },
    pixel_classes=ClassSet(
        CLASS_NAMES,
        CLASS_COLOURS,
        tracks=("HIP", "MIP"),
        rules=("delta>0.5", "MIP>0.5"),
        along_tracks=("delta",),
        at_track_ends=("Michel",),
    ),
    drift=(1.0, 0.0, 0.0),
)
