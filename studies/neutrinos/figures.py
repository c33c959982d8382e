"""What the neutrino generator gives, beside what is known: figures that plots and tests check."""

from __future__ import annotations

import math

import numpy as np

from jaxsparse.simulate.neutrinos import constants as c
from jaxsparse.simulate.neutrinos import cross_sections, hadronization, resonances
from jaxsparse.simulate.neutrinos.beams import BEAMS, DUNE, NOVA
from jaxsparse.simulate.neutrinos.generator import (
    InteractionConfig,
    draw_interaction,
    interact_at,
    spectrum,
)
from jaxsparse.simulate.neutrinos.interaction import Interaction
from jaxsparse.simulate.neutrinos.kinematics import invariant
from jaxsparse.simulate.neutrinos.oscillations import probability
from jaxsparse.simulate.neutrinos.tau_decay import decay_tau
from studies.figure import Figure, Sample, near

PDG = "Review of Particle Physics"
GENIE = "dune-cvn sample, 103 nu_mu below 4 GeV (GENIE): +- 0.05"
CONFIGS = {
    "nova": InteractionConfig(),
    "dune": InteractionConfig(beam="dune", target="argon"),
}


def beams() -> Sample:
    """Fluxes, what interacts of them, and oscillation over the two baselines."""
    energy = np.linspace(0.1, 60.0, 60_000)
    nova, dune = NOVA.flux(energy), DUNE.flux(energy)
    window = (energy > 0.5) & (energy < 5.0)
    edges, running = spectrum("nova", "swapped", "nc")
    rate = np.diff(running, prepend=0.0).reshape(2, -1).sum(axis=0)
    middle = np.sqrt(edges[1:] * edges[:-1])
    low = np.linspace(1.2, 2.4, 2401)
    survive = probability(14, 14, low, NOVA.baseline)
    appear = probability(14, 12, low, NOVA.baseline)
    figures = [
        near("NOvA beam, most probable energy (GeV)", energy[nova.argmax()], 1.9, 0.05,
             "NOvA 2108.08219: near 2 GeV"),
        near("NOvA beam, mean energy that interacts (GeV)", float(rate @ middle / rate.sum()),
             2.7, 0.1, "NOvA 1902.00558"),
        near("DUNE beam, most probable energy (GeV)", energy[dune.argmax()], 2.5, 0.05,
             "1910.10996"),
        near("DUNE beam, share between 0.5 and 5 GeV", dune[window].sum() / dune.sum(), 0.92, 0.03,
             "1910.10996"),
        near("810 km, energy of the first oscillation maximum (GeV)", low[survive.argmin()], 1.6,
             0.03, "1.267 dm2 L / E = pi / 2"),
        Figure("810 km, least nu_mu survival", float(survive.min()), 0.01, 0.0, 0.03,
               "1 - sin^2 2theta_23, near 0"),
        near("810 km, largest nu_e appearance", appear.max(), 0.047, 0.35,
             "sin^2 theta_23 sin^2 2theta_13, and the CP phase"),
    ]  # fmt: skip
    curves = {"energy": energy, "nova": nova, "dune": dune}
    for name, beam in BEAMS.items():
        for flavour in (12, 14, 16):
            curves[f"{name}_{flavour}"] = probability(14, flavour, energy, beam.baseline)
    return Sample(figures, curves)


def totals() -> Sample:
    """Total cross sections, their modes and ratios, on free nucleons."""

    def slope(energy: float, sign: int, neutral: bool) -> float:
        return float(cross_sections.total(np.array(energy), 14, sign, neutral)) / energy

    def of_mode(energy: float, mode: str, nucleon: int, sign: int = 1, neutral: bool = False):
        sizes = cross_sections.by_mode(np.array(energy), 14, sign, neutral)
        return float(
            sizes[cross_sections.MODES.index(mode), cross_sections.NUCLEONS.index(nucleon)]
        )

    def of_modes(energy: float) -> np.ndarray:
        sizes = cross_sections.by_mode(np.array(energy), 14, 1, False).mean(axis=1)
        return sizes / sizes.sum()

    shares, two = of_modes(2.5), of_modes(2.0)
    least = float(min(two[0] + two[1], two[2], two[3]))
    energy = np.geomspace(0.2, 50.0, 200)
    threshold = energy[np.argmax(cross_sections.total(energy, 16, 1, False) > 0.0)]
    review = "Formaggio and Zeller, RMP 84, 1307"
    figures = [
        near("CC nu_mu / E at 50 GeV (1e-38 cm^2/GeV)", slope(50.0, 1, False), 0.677, 0.04, PDG),
        near("CC anti-nu_mu / E at 50 GeV", slope(50.0, -1, False), 0.334, 0.06, PDG),
        near("CC nu_mu / E at 5 GeV", slope(5.0, 1, False), 0.70, 0.15, review),
        near("NC / CC of nu_mu at 50 GeV", slope(50.0, 1, True) / slope(50.0, 1, False), 0.31,
             0.06, "CDHS, CHARM"),
        near("NC / CC of anti-nu_mu at 50 GeV", slope(50.0, -1, True) / slope(50.0, -1, False),
             0.38, 0.12, "CDHS, CHARM"),
        near("NC / CC of nu_mu at 2 GeV", slope(2.0, 1, True) / slope(2.0, 1, False), 0.31, 0.15,
             "as at high energy"),
        near("QE of nu_mu on a neutron at 10 GeV (1e-38 cm^2)", of_mode(10.0, "QE", 2112), 0.92,
             0.1, "NOMAD 0812.4543"),
        near("QE of anti-nu_mu on a proton at 10 GeV", of_mode(10.0, "QE", 2212, -1), 0.81, 0.15,
             "NOMAD 0812.4543"),
        near("NC elastic on a proton / QE at 1.3 GeV",
             of_mode(1.3, "QE", 2212, 1, True) / of_mode(1.3, "QE", 2112), 0.153, 0.25,
             "Brookhaven E734 (0.153 +- 0.018)"),
        near("RES of nu_mu on a proton at 3 GeV", of_mode(3.0, "RES", 2212), 0.60, 0.1,
             "1411.4482"),
        near("tau threshold (GeV), grid of 3 %", float(threshold), 3.46, 0.04,
             "m + m^2 / 2M"),
        near("share of QE and MEC at 2.5 GeV, CC nu_mu", float(shares[0] + shares[1]), 0.27, 0.4,
             GENIE),
        near("share of RES at 2.5 GeV, CC nu_mu", float(shares[2]), 0.37, 0.3, GENIE),
        near("share of DIS at 2.5 GeV, CC nu_mu", float(shares[3]), 0.36, 0.3, GENIE),
        Figure("least share of QE + MEC, RES, DIS at 2 GeV", least, 0.2, 0.1, 1.0 / 3.0,
               "all three matter at 2 GeV: " + review),
    ]  # fmt: skip
    curves = {"energy": energy}
    for name, flavour, sign, neutral in (
        ("numu", 14, 1, False), ("numubar", 14, -1, False), ("nutau", 16, 1, False),
        ("nc", 14, 1, True),
    ):  # fmt: skip
        curves[name] = cross_sections.by_mode(energy, flavour, sign, neutral).mean(axis=1)
    return Sample(figures, curves)


def at_energy(number: int, event_class: str, energy: float, sign: int = 1) -> list[Interaction]:
    """Interactions in the scintillator at one energy (GeV)."""
    rng = np.random.default_rng([7, int(1e3 * energy), sign + 1])
    return [interact_at(CONFIGS["nova"], event_class, sign, energy, rng) for _ in range(number)]


def count(interactions: list[Interaction], *codes: int, above: float = 0.0) -> np.ndarray:
    """Particles ``[interactions]`` of some PDG codes, of either charge, above an energy (MeV)."""
    return np.array(
        [(np.isin(np.abs(i.pdg), codes) & (i.kinetic_energy >= above)).sum() for i in interactions]
    )


def lepton_angle(interactions: list[Interaction]) -> np.ndarray:
    """Angles (degrees) between the first particle and z."""
    return np.degrees(np.arccos([min(i.direction[0, 2], 1.0) for i in interactions]))


def inelasticity(number: int) -> Sample:
    """Inelasticity by mode and energy, and the angle of the muon."""
    curves, figures = {}, []
    for energy in (2.0, 20.0):
        made = at_energy(number, "numu", energy)
        for mode in cross_sections.MODES:
            curves[f"{mode}_{energy:g}"] = np.array(
                [i.inelasticity for i in made if i.mode == mode]
            )
        curves[f"angle_{energy:g}"] = lepton_angle(made)
    anti = at_energy(number, "numu", 20.0, -1)
    anti_y = np.array([i.inelasticity for i in anti if i.mode == "DIS"])
    figures = [
        near("mean inelasticity, DIS of nu_mu at 20 GeV", curves["DIS_20"].mean(), 0.48, 0.12,
             "quarks: flat in y"),
        near("mean inelasticity, DIS of anti-nu_mu at 20 GeV", anti_y.mean(), 0.34, 0.18,
             "(1 - y)^2 and the sea"),
        Figure("mean inelasticity, QE of nu_mu at 2 GeV", float(curves["QE_2"].mean()), 0.15, 0.08,
               0.22, "Q^2 / 2ME, mean Q^2 0.4 to 0.5 GeV^2"),
        Figure("mean angle of the muon at 20 GeV / at 2 GeV",
               float(curves["angle_20"].mean() / curves["angle_2"].mean()), 0.25, 0.1, 0.5,
               "falls with energy"),
    ]  # fmt: skip
    return Sample(figures, curves)


def multiplicities(number: int) -> Sample:
    """Charged hadrons of a system of given mass, and neutral pions of neutral currents."""
    rng = np.random.default_rng(11)
    masses = np.array([1.8, 2.2, 3.0, 4.0, 6.0])
    curves = {"w": masses}
    figures = []
    for nucleon, name in ((2212, "proton"), (2112, "neutron")):
        charge = 1 + int(nucleon == 2212)
        means = []
        for w in masses:
            drawn = [
                hadronization.content(float(w), 1, nucleon, charge, rng) for _ in range(number)
            ]
            means.append(np.mean([np.isin(np.abs(x), (211, 2212)).sum() for x in drawn]))
        a, b, _ = hadronization.MULTIPLICITY[1, nucleon]
        curves[name] = np.array(means)
        figures.append(
            near(f"charged hadrons at W = 3 GeV, nu {name}", means[2], a + b * math.log(9.0), 0.12,
                 "bubble chambers, 0904.4043")
        )  # fmt: skip
    made = at_energy(number, "nc", 2.0)
    share = float(np.mean(count(made, 111) > 0))
    figures.append(
        Figure("share of NC at 2 GeV with a neutral pion", share, 0.30, 0.2, 0.4,
               "a quarter to a third")
    )  # fmt: skip
    resonant = [resonances.products(1.232, 1, 2112, False, rng) for _ in range(number)]
    neutral = float(np.mean([111 in x for x in resonant]))
    figures.append(
        near("p pi0 of a Delta+ and what lies under it", neutral, 0.59, 0.1,
             "isospin 2/3, 1007.0925 background 30 and 50 %")
    )  # fmt: skip
    curves["nc_pi0"] = count(made, 111)
    return Sample(figures, curves)


def taus(number: int) -> Sample:
    """Decays of a tau of 6 GeV."""
    rng = np.random.default_rng(13)
    tau = np.array([6.0, 0.0, 0.0, math.sqrt(36.0 - c.TAU_MASS**2)])
    made = [decay_tau(tau, 1, rng) for _ in range(number)]
    names = np.array([name for name, _, _ in made])
    charged = np.array([np.isin(np.abs(codes), (211,)).sum() for _, codes, _ in made])
    share = np.array([seen[:, 0].sum() / 6.0 for _, _, seen in made])
    hidden = np.array([float(invariant(tau - seen.sum(axis=0))) for _, _, seen in made])
    figures = [
        near("tau to an electron", float(np.mean(names == "electron")), 0.1782, 0.1, PDG),
        near("tau to a muon", float(np.mean(names == "muon")), 0.1739, 0.1, PDG),
        near("tau to three charged pions", float(np.mean(charged == 3)), 0.15, 0.1, PDG),
        near("mean energy share of the electron or muon", share[names != "hadrons"].mean(), 0.35,
             0.06, "x^2 (3 - 2x): 7/20"),
        Figure("least mass squared of the neutrinos (GeV^2)", float(hidden.min()), 0.0, -1e-6, 1e-6,
               "conservation"),
    ]  # fmt: skip
    return Sample(figures, {"share": share, "hadronic": names == "hadrons"})


def samples(number: int, beam: str) -> list[Interaction]:
    """Interactions of the training mixture of a beam, ``"nova"`` or ``"dune"``."""
    return [draw_interaction(CONFIGS[beam], np.random.default_rng([17, i])) for i in range(number)]
