"""NOvA: pixel maps of a segmented scintillator in two views.

A pixel map is a window of 100 planes by 80 cells a view around one slice of hits. Planes along the
beam alternate between vertical cells, which measure x (view XZ), and horizontal ones, which measure
y (view YZ). A value is the calibrated energy of a hit in a byte, 1 to 255; mean and spread are of
the non-zero pixels of the experiment's sample (S. H. Oh, APS April 2023).
"""

from __future__ import annotations

import math

from jaxsparse.detectors.class_set import ClassSet
from jaxsparse.detectors.detector import Detector, DetectorView
from jaxsparse.detectors.neutrinos import NeutralCurrents, TopologyWords

NOVA_VIEWS = ("XZ", "YZ")
NOVA_SHAPE = (100, 80)  # (plane, cell)
NOVA_AXES = ("plane", "cell")
NOVA_VALUE_UNIT = "calibrated energy (1 to 255)"

# What left most of a pixel's energy. Files number them from 1, 0 is an empty pixel; here from 0.
NOVA_PIXEL_CLASSES = (
    "electron", "muon", "proton", "neutron", "charged pion", "neutral pion", "photon",
    "mostly hadronic", "mostly EM", "mostly muon", "unknown",
)  # fmt: skip

# What the whole event is: the neutrino's flavour where it is a charged current.
NOVA_EVENT_CLASSES = ("numu", "nue", "nutau", "nc", "cosmic")

NOVA_MODES = ("QE", "MEC", "RES", "DIS", "COH", "other")  # in the topology of an event

NOVA = Detector(
    name="nova",
    views={
        name: DetectorView(
            axes=NOVA_AXES,
            unit=NOVA_VALUE_UNIT,
            shape=NOVA_SHAPE,
            mean=14.57,
            std=16.27,
            across=0,
        )
        for name in NOVA_VIEWS
    },
    pixel_classes=ClassSet(NOVA_PIXEL_CLASSES),
    event_classes=ClassSet(NOVA_EVENT_CLASSES),
    aliases=("nova-far",),  # the simulated far detector
    topology_words={
        "mode": TopologyWords(NOVA_MODES),
        "tau_decay": TopologyWords(("electron", "muon", "hadrons"), of_class="nutau"),
    },
    neutral_currents=NeutralCurrents(
        "nc",
        electron="nue",
        muon="numu",
        neutral_energy=(0, 250, 400, 600, 900, 1300, 2000, math.inf),
        photon_gap=(0, 10, 20, 30, 45, 60, 90, math.inf),
        charged_length=(0, 10, 25, 50, 75, 100, 150, 200, math.inf),
    ),
    smallest_instance=3,
)
