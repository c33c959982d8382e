"""Draws neutrino interactions: class, energy, mode, kinematics, hadrons, and their way out."""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np

from jaxsparse.errors import InputError
from jaxsparse.simulate.draws import choose
from jaxsparse.simulate.neutrinos import (
    constants as c,
)
from jaxsparse.simulate.neutrinos import (
    cross_sections,
    hadronization,
    quasi_elastic,
    resonances,
)
from jaxsparse.simulate.neutrinos.beams import BEAMS
from jaxsparse.simulate.neutrinos.interaction import Interaction
from jaxsparse.simulate.neutrinos.kinematics import boost, decay, invariant, reflect, scatter
from jaxsparse.simulate.neutrinos.nuclei import TARGETS, Nucleus, struck_nucleon
from jaxsparse.simulate.neutrinos.oscillations import probability
from jaxsparse.simulate.neutrinos.rescattering import rescatter
from jaxsparse.simulate.neutrinos.tau_decay import decay_tau
from jaxsparse.simulate.transport.directions import turn

EVENT_CLASSES = {"numu": 14, "nue": 12, "nutau": 16, "nc": 14}
SPECTRA = ("oscillated", "swapped", "produced")
TRIES = 1000
# The mass to which half of a struck pair is raised: the dip between nucleon and Delta.
PAIR_MASS = (0.95, 1.20)  # GeV
NEUTRON_PARTNER = 0.2  # of a struck neutron's partner: pairs of unlike nucleons prevail


@dataclasses.dataclass(frozen=True)
class InteractionConfig:
    """Which interactions to draw.

    Attributes:
      beam: ``"nova"`` or ``"dune"``.
      target: ``"scintillator"`` or ``"argon"``.
      event_classes: some of ``"numu"``, ``"nue"``, ``"nutau"``, ``"nc"``.
      shares: of the event classes, any positive scale.
      spectrum: ``"oscillated"``: nu_mu survive, nu_e and nu_tau appear (and nu_e of the beam
        survive) with their probabilities at the far detector. ``"swapped"``: every nu_mu of the
        beam turned into the class that is asked for, as experiments simulate their appearance
        samples. ``"produced"``: as the beam is made; its muon neutrinos give numu and nc, its own
        electron neutrinos nue and, all turned into the class, nutau.
      beam_direction: of the neutrinos, any length.
      rescattering: whether hadrons interact on their way out of the nucleus.
    """

    beam: str = "nova"
    target: str = "scintillator"
    event_classes: tuple[str, ...] = ("numu", "nue", "nutau", "nc")
    shares: tuple[float, ...] = (0.3, 0.3, 0.1, 0.3)
    spectrum: str = "oscillated"
    beam_direction: tuple[float, float, float] = (0.0, 0.0, 1.0)
    rescattering: bool = True

    def __post_init__(self) -> None:
        for name, known in (("beam", BEAMS), ("target", TARGETS), ("spectrum", SPECTRA)):
            if getattr(self, name) not in known:
                raise InputError(
                    f"{name} is {getattr(self, name)!r}: choose one of {', '.join(known)}"
                )
        wrong = [name for name in self.event_classes if name not in EVENT_CLASSES]
        if wrong or not self.event_classes:
            raise InputError(
                f"event_classes is {self.event_classes}: choose some of {', '.join(EVENT_CLASSES)}"
            )
        if len(self.shares) != len(self.event_classes):
            raise InputError(
                f"shares has {len(self.shares)} entries: give one for each of the "
                f"{len(self.event_classes)} event classes"
            )
        if not all(math.isfinite(x) and x >= 0.0 for x in self.shares) or sum(self.shares) <= 0.0:
            raise InputError(f"shares is {self.shares}: needs entries >= 0, not all 0")
        if not 0.0 < math.hypot(*self.beam_direction) < math.inf:
            raise InputError(f"beam_direction is {self.beam_direction}: must not be 0")


def draw_interaction(config: InteractionConfig, rng: np.random.Generator) -> Interaction:
    """Draws one interaction.

    Args:
      config: which.
      rng: ``np.random.default_rng([seed, event])`` makes event numbers reproducible one by one.

    >>> config = InteractionConfig(event_classes=("nue",), shares=(1.0,))
    >>> interaction = draw_interaction(config, np.random.default_rng([0, 0]))
    >>> interaction.topology[:6], int(abs(interaction.pdg[0]))
    ('nue CC', 11)
    """
    event_class = config.event_classes[choose(np.array(config.shares), rng)]
    energies, cumulative = spectrum(config.beam, config.spectrum, event_class)
    index = int(np.searchsorted(cumulative, rng.random() * cumulative[-1]))
    sign = 1 if index < len(energies) - 1 else -1
    cell = index % (len(energies) - 1)
    energy = float(energies[cell] + (energies[cell + 1] - energies[cell]) * rng.random())
    return interact_at(config, event_class, sign, energy, rng)


@functools.cache
def spectrum(beam: str, kind: str, event_class: str) -> tuple[np.ndarray, np.ndarray]:
    """Energies at which neutrinos of a class interact.

    Returns:
      Edges ``[n + 1]`` (GeV), and the running sum ``[2 n]`` of interactions in their cells, first
      of neutrinos, then of antineutrinos; its scale means nothing.
    """
    source, flavour = BEAMS[beam], EVENT_CLASSES[event_class]
    if kind == "produced" and event_class in ("nue", "nutau"):
        source = source.electrons or source
    edges = np.geomspace(0.25, source.highest, 600)
    energy = np.sqrt(edges[1:] * edges[:-1])
    flux = source.flux(energy)
    rates = []
    for sign, amount in ((1, 1.0), (-1, source.wrong_sign)):
        seen = amount * flux
        if kind == "oscillated" and event_class != "nc":
            seen = seen * probability(sign * 14, sign * flavour, energy, source.baseline)
            if event_class == "nue" and sign > 0:
                survive = probability(12, 12, energy, source.baseline)
                seen = seen + source.electron * flux * survive
        size = cross_sections.total(energy, flavour, sign, event_class == "nc")
        rates.append(seen * size * np.diff(edges))
    return edges, np.cumsum(np.concatenate(rates))


def interact_at(
    config: InteractionConfig,
    event_class: str,
    sign: int,
    energy: float,
    rng: np.random.Generator,
) -> Interaction:
    """Draws one interaction of a neutrino (``sign`` 1) or antineutrino (-1) of ``energy`` (GeV)."""
    flavour, neutral = EVENT_CLASSES[event_class], event_class == "nc"
    neutrino = np.array([energy, 0.0, 0.0, energy])
    choices = _choices(config.target)
    sizes = cross_sections.by_mode(np.array(energy), flavour, sign, neutral)
    weights = np.array([part * sizes[mode, j] for part, _, mode, j in choices])
    if weights.sum() == 0.0:
        raise InputError(f"energy is {energy} GeV: too low for {event_class} interactions")
    for _ in range(TRIES):
        _, nucleus, number, j = choices[choose(weights, rng)]
        mode, nucleon = cross_sections.MODES[number], cross_sections.NUCLEONS[j]
        what = _collide(neutrino, flavour, sign, neutral, mode, nucleus, nucleon, rng)
        if what is not None:
            break
    else:
        raise InputError(f"energy is {energy} GeV: too low for {event_class} interactions")
    struck, lepton, codes, hadrons = what
    codes_array = np.array(codes)
    escaped = lepton if neutral else np.zeros(4)
    leptons: list[int] = []
    seen, tau_decay = np.zeros((0, 4)), ""
    if event_class == "nutau":
        tau_decay, leptons, seen = decay_tau(lepton, sign, rng)
        escaped = lepton - seen.sum(axis=0)
    elif not neutral:
        leptons, seen = [sign * (flavour - 1)], lepton[None]
    motion, direction = _motion(codes_array, hadrons)
    if config.rescattering and nucleus.fermi_momentum > 0.0:
        codes_array, motion, direction = rescatter(
            codes_array, motion, direction, c.masses(codes) * 1e3, nucleus, mode == "DIS", rng
        )
    first, first_direction = _motion(np.array(leptons, int), seen)
    axis = np.array(config.beam_direction)
    axis = axis / np.linalg.norm(axis)
    return Interaction(
        event_class=event_class,
        mode=mode,
        neutrino=sign * flavour,
        energy=energy,
        inelasticity=1.0 - float(lepton[0]) / energy,
        tau_decay=tau_decay,
        pdg=np.concatenate([leptons, codes_array]).astype(np.int32),
        kinetic_energy=np.concatenate([first, motion]),
        direction=_aim(np.concatenate([first_direction, direction]), axis),
        struck=np.concatenate([struck[:1], _aim(struck[None, 1:], axis)[0]]),
        escaped=np.concatenate([escaped[:1], _aim(escaped[None, 1:], axis)[0]]),
    )


@functools.cache
def _choices(target: str) -> list[tuple[float, Nucleus, int, int]]:
    """Nucleus, mode and nucleon that can be hit, with their parts of all nucleons."""
    found = []
    for share, nucleus in TARGETS[target]:
        protons = nucleus.protons / nucleus.nucleons
        for mode, name in enumerate(cross_sections.MODES):
            if name == "MEC" and nucleus.fermi_momentum == 0.0:
                continue
            found += [
                (share * protons, nucleus, mode, 0),
                (share * (1 - protons), nucleus, mode, 1),
            ]
    return [entry for entry in found if entry[0] > 0.0]


def _collide(
    neutrino: np.ndarray,
    flavour: int,
    sign: int,
    neutral: bool,
    mode: str,
    nucleus: Nucleus,
    nucleon: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, list[int], np.ndarray] | None:
    """What was hit, the lepton, and codes and four-vectors of the hadrons.

    None where what was drawn cannot happen: too little energy for this nucleon, or no free state
    for the nucleon that would come out. Then all is drawn anew, so that such reactions are rarer,
    as in nature.
    """
    struck = struck_nucleon(nucleus, nucleon, rng)
    energy = cross_sections.step_below(float(boost(neutrino, reflect(struck))[0]))
    mass = cross_sections.lepton_mass(flavour, neutral)
    if mode in ("QE", "MEC"):
        line = cross_sections.line(energy, flavour, sign, nucleon, neutral)
        if line.total == 0.0:
            return None
        q2 = line.draw(rng)
        codes = quasi_elastic.products(sign, nucleon, neutral)
        w = c.mass(codes[0]) if mode == "QE" else rng.uniform(*PAIR_MASS)
    else:
        plane = cross_sections.plane(mode, energy, flavour, sign, nucleon, neutral)
        if plane.total == 0.0:
            return None
        w, q2 = plane.draw(rng)
    out = scatter(neutrino, struck, mass, w, q2, rng)
    if out is None:
        return None
    lepton, system = out
    if mode == "QE":
        blocked = float(np.linalg.norm(system[1:])) < nucleus.fermi_momentum
        return None if blocked else (struck, lepton, codes, system[None])
    if mode == "MEC":
        like = rng.random() < NEUTRON_PARTNER
        partner = nucleon if like else 4324 - nucleon  # 2212 + 2112: the other nucleon
        second = struck_nucleon(nucleus, partner, rng)
        struck, system, codes = struck + second, system + second, [codes[0], partner]
        masses = c.masses(codes)
        if float(invariant(system)) <= float(masses.sum() + 0.001) ** 2:
            return None
        return struck, lepton, codes, decay(system, masses, rng)
    if mode == "RES":
        return struck, lepton, *resonances.fragment(system, w, sign, nucleon, neutral, rng)
    transfer = neutrino - lepton
    hadrons = hadronization.fragment(system, transfer, sign, nucleon, neutral, rng)
    return struck, lepton, *hadrons


def _motion(codes: np.ndarray, momenta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Kinetic energies (MeV) and directions of four-vectors ``[n, 4]`` (GeV)."""
    size = np.linalg.norm(momenta[:, 1:], axis=1)
    masses = np.array([c.mass(int(code)) for code in codes]).reshape(-1)
    # From the momentum: as good for slow particles as for fast ones.
    kinetic = size**2 / (np.sqrt(size**2 + masses**2) + masses)
    return kinetic * 1e3, momenta[:, 1:] / np.maximum(size, 1e-12)[:, None]


def _aim(vectors: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Vectors ``[n, 3]`` given about z, given about ``axis``."""
    size = np.linalg.norm(vectors, axis=1)
    safe = np.maximum(size, 1e-300)
    cosine, azimuth = vectors[:, 2] / safe, np.arctan2(vectors[:, 1], vectors[:, 0])
    turned = turn(np.repeat(axis[None], len(vectors), axis=0), cosine, azimuth)
    return turned * size[:, None]
