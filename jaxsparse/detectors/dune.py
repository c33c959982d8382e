"""DUNE's far detector as its public classifier events show it: pixel maps of three wire planes.

Mean and spread are of the non-zero pixels of the 600 public events (dune-cvn, MIT licence). The
maps hold no truth of single pixels.
"""

from __future__ import annotations

import math

from jaxsparse.detectors.class_set import ClassSet
from jaxsparse.detectors.detector import Detector, DetectorView
from jaxsparse.detectors.neutrinos import NeutralCurrents, TopologyWords

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
    topology_words={
        "mode": TopologyWords(DUNE_INTERACTIONS),
        "tau_decay": TopologyWords(("electron", "muon", "hadrons"), of_class="nutau"),
    },
    neutral_currents=NeutralCurrents(
        "nc", electron="nue", muon="numu",
        neutral_energy=(0, 250, 400, 600, 900, 1300, 2000, math.inf),
        photon_gap=(0, 3, 6, 10, 15, 20, 30, 45, math.inf),  # photons convert within 18 cm
        charged_length=(0, 10, 25, 50, 75, 100, 150, 200, math.inf),
    ),
)  # fmt: skip
