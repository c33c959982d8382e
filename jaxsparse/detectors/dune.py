"""DUNE's far detector as its public classifier events show it: pixel maps of three wire planes.

Mean and spread are of the non-zero pixels of the 600 public events (dune-cvn, MIT licence). The
maps hold no truth of single pixels.
"""

from __future__ import annotations

from jaxsparse.detectors.class_set import ClassSet
from jaxsparse.detectors.detector import Detector, DetectorView

DUNE_VIEWS = ("U", "V", "Z")
DUNE_SIZE = 500  # pixels along both axes of a map
DUNE_EVENT_CLASSES = ("nue", "numu", "nutau", "nc")
DUNE_INTERACTIONS = ("QE", "RES", "DIS", "other")  # in the topology of an event
WIRE_ANGLES = {"U": 35.7, "V": -35.7, "Z": 0.0}  # arXiv 2002.03010

DUNE = Detector(
    name="dune",
    views={
        name: DetectorView(
            axes=("tick", "wire"), unit="charge (1 to 255)", shape=(DUNE_SIZE, DUNE_SIZE),
            mean=61.9, std=56.2, wire_angle=WIRE_ANGLES[name],
        )
        for name in DUNE_VIEWS
    },
    event_classes=ClassSet(DUNE_EVENT_CLASSES),
    drift=(1.0, 0.0, 0.0),
)  # fmt: skip
