"""Particles by their PDG codes, as a page names them."""

from __future__ import annotations

# Of particles that have one, the antiparticle by its own name.
NAMES = {
    11: "e-", -11: "e+", 13: "mu-", -13: "mu+", 15: "tau-", -15: "tau+", 22: "photon",
    12: "nu_e", -12: "anti-nu_e", 14: "nu_mu", -14: "anti-nu_mu", 16: "nu_tau", -16: "anti-nu_tau",
    111: "pi0", 211: "pi+", -211: "pi-", 130: "K0L", 310: "K0S", 321: "K+", -321: "K-",
    2212: "proton", -2212: "antiproton", 2112: "neutron", -2112: "antineutron", 3122: "Lambda",
    1000010020: "deuteron", 1000010030: "triton", 1000020040: "alpha",
}  # fmt: skip


def particle_name(pdg: int) -> str:
    """The name of a particle; of one that has none here, its code.

    >>> particle_name(-13), particle_name(1000180400)
    ('mu+', 'PDG 1000180400')
    """
    return NAMES.get(pdg, f"PDG {pdg}")
