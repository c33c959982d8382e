"""What a pixel is called: the class of the primary particle whose light it holds.

A primary is what left the nucleus, or a cosmic muon. All that it sets off is its own: a neutron
names the recoil protons that it strikes, a neutral pion the showers of its photons, a muon its
delta rays and its decay electron. Primary and pixel numbers are the same in both views, which is
the link between them.
"""

from __future__ import annotations

import numpy as np

from jaxsparse.data.nova import NOVA_PIXEL_CLASSES

_CLASS_OF = {
    11: "electron",
    13: "muon",
    22: "photon",
    111: "neutral pion",
    211: "charged pion",
    2112: "neutron",
    2212: "proton",
}


def pixel_classes(pdg: np.ndarray) -> np.ndarray:
    """Numbers in ``NOVA_PIXEL_CLASSES`` of primaries.

    Other hadrons and nuclei are ``"mostly hadronic"``, anything else is ``"unknown"``.

    >>> [NOVA_PIXEL_CLASSES[i] for i in pixel_classes(np.array([-13, 111, 321, 15]))]
    ['muon', 'neutral pion', 'mostly hadronic', 'unknown']
    """
    kind = np.abs(pdg)
    hadron = kind > 100
    number = {name: i for i, name in enumerate(NOVA_PIXEL_CLASSES)}
    labels = np.where(hadron, number["mostly hadronic"], number["unknown"]).astype(np.int8)
    for code, name in _CLASS_OF.items():
        labels[kind == code] = number[name]
    return labels
