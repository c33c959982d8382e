"""NOvA's pixel maps in names: views, their size, classes of pixels and of events.

A pixel map is a window of 100 planes by 80 cells a view around one slice of hits. Planes along the
beam alternate between vertical cells, which measure x (view XZ), and horizontal ones, which measure
y (view YZ). A value is the calibrated energy of a hit in a byte, 1 to 255.
"""

from __future__ import annotations

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
