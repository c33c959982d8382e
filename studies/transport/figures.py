"""What the simulation gives, beside what is known: the figures that plots and tests check.

Every function fires particles or makes events, and returns a :class:`Sample`: the figures, each
with its reference and the interval it must stay in, and the curves that the plots draw.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import curve_fit

from jaxsparse import particle_data as c
from jaxsparse.data.deposits import Deposits
from jaxsparse.detectors.microboone import MICHEL
from jaxsparse.simulate.microboone.chamber import MICROBOONE_WORLD
from jaxsparse.simulate.transport.bank import ParticleBank
from jaxsparse.simulate.transport.cosmics import add_cosmics
from jaxsparse.simulate.transport.energy_loss import restricted_loss
from jaxsparse.simulate.transport.generator import transport
from jaxsparse.simulate.transport.medium import LIQUID_ARGON
from jaxsparse.simulate.transport.truth import label_particles
from jaxsparse.simulate.transport.world import World
from studies.figure import Figure, Sample, near

RESIDUAL_BINS = np.array([0.0, 0.3, 1.0, 3.0, 10.0, 20.0, 40.0])  # cm
# Geant4 (edep-sim) muons, restricted dE/dx in those bins, MeV/cm.
GEANT4_MUON_LOSS = (18.5, 8.2, 5.2, 3.4, 2.5, 2.2)
GEANT4_DELTAS = {1.0: 9.1, 5.0: 1.42, 10.0: 0.43, 20.0: 0.18}  # per metre above MeV
GEANT4_DELTA_COUNTS = {1.0: 569, 5.0: 89, 10.0: 27, 20.0: 11}
MOLIERE_RADIUS = 9.04  # cm, liquid argon (Particle Data Group)


def fire(
    pdg: int,
    kinetic_energy: np.ndarray,
    seed: int,
    start: tuple[float, float, float],
    world: World = MICROBOONE_WORLD,
) -> tuple[Deposits, np.ndarray]:
    """One particle along the beam from ``start`` (cm) for each energy (MeV), all in one event.

    The first rows of the particle table are the particles fired.
    """
    number = len(kinetic_energy)
    bank = ParticleBank(world)
    bank.add(
        pdg=pdg,
        parent=-1,
        process=c.PRIMARY,
        kinetic_energy=kinetic_energy,
        time=0.0,
        start=np.repeat([start], number, axis=0),
        direction=np.repeat([[0.0, 0.0, 1.0]], number, axis=0),
        interaction=True,
    )
    transport(bank, np.random.default_rng(seed))
    return bank.deposits(), label_particles(bank.particles)


def own_steps(deposits: Deposits, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Residual range (cm, at the middle), energy (MeV) and length (cm) of tracks' steps.

    ``chosen`` are the rows of the particles, in order.
    """
    own = np.isin(deposits.particle, chosen)
    track = np.searchsorted(chosen, deposits.particle[own])
    length, energy = deposits.length[own], deposits.energy[own]
    whole = np.bincount(track, length, len(chosen))
    before = np.cumsum(whole) - whole  # steps lie track after track
    return whole[track] - (np.cumsum(length) - before[track]) + 0.5 * length, energy, length


def _in_bins(residual, energy, length) -> np.ndarray:
    """Mean energy per cm in the residual-range bins."""
    which = np.digitize(residual, RESIDUAL_BINS) - 1
    inside = which < len(RESIDUAL_BINS) - 1
    totals = [
        np.bincount(which[inside], x[inside], len(RESIDUAL_BINS) - 1) for x in (energy, length)
    ]
    return totals[0] / np.maximum(totals[1], 1e-9)


def muons(number: int, seed: int = 1) -> Sample:
    """Stopping muons of 1.01 to 1.91 GeV, like the Geant4 muons the project reads."""
    energies = np.random.default_rng(seed).uniform(1010.0, 1910.0, number)
    deposits, particles = fire(13, energies, seed, (128.0, 0.0, 20.0))
    stopped = np.flatnonzero(MICROBOONE_WORLD.volume.inside(particles["end"][:number]))
    residual, energy, length = own_steps(deposits, stopped)
    loss = _in_bins(residual, energy, length)
    metres = length.sum() / 100.0
    mother = particles["parent"]
    knocked = (particles["process"] == c.IONISATION) & np.isin(mother, stopped)
    knocked = particles["kinetic_energy"][knocked]
    first = mother.copy()  # the fired particle behind each: mothers come before daughters
    first[:number] = np.arange(number)
    for row in range(number, len(first)):
        first[row] = first[first[row]]
    all_energy = deposits.energy[np.isin(first[deposits.particle], stopped)].sum()
    edges = RESIDUAL_BINS
    geant4 = "ten Geant4 muons"
    figures = [
        near(f"muon dE/dx at {a:g}-{b:g} cm from rest (MeV/cm)", value, reference, 0.15, geant4)
        for a, b, value, reference in zip(
            edges[:-1], edges[1:], loss, GEANT4_MUON_LOSS, strict=True
        )
    ]
    whole = all_energy / length.sum()
    figures += [
        near(
            "muon mean dE/dx, own steps (MeV/cm)", energy.sum() / length.sum(), 1.91, 0.05, geant4
        ),
        near("muon dE/dx with all descendants (MeV/cm)", whole, 2.37, 0.06, geant4),
    ]
    least = restricted_loss(np.geomspace(100.0, 1000.0, 200), c.MASSES[13], 1e9).min()
    figures += [
        near("least mean loss of a muon, all included (MeV/cm)", least, 2.1, 0.03, "PDG"),
        # Geant4's steps are longer than ours and so closer to the mean.
        near(
            "muon median dE/dx, own steps (MeV/cm)", np.median(energy / length), 1.85, 0.07, geant4
        ),
    ]
    for cut, reference in GEANT4_DELTAS.items():
        # The Geant4 counts are few: three of their standard deviations.
        tolerance = 0.05 + 3.0 / np.sqrt(GEANT4_DELTA_COUNTS[cut])
        rate = (knocked > cut).sum() / metres
        name = f"delta rays above {cut:g} MeV per metre"
        figures.append(near(name, rate, reference, tolerance, geant4))
    curves = {"residual": residual, "loss": energy / length, "bins": loss, "deltas": knocked}
    return Sample(figures, curves | {"metres": np.array(metres)})


def ranges(number: int, seed: int = 2) -> Sample:
    """Ranges of protons and muons, and the protons' dE/dx against residual range."""
    figures: list[Figure] = []
    curves: dict[str, np.ndarray] = {}
    cases = ((2212, 50.0, 2.3), (2212, 100.0, 7.8), (2212, 200.0, 26.0), (13, 1000.0, 440.0))
    for pdg, energy, reference in cases:
        deposits, particles = fire(pdg, np.full(number, energy), seed, (128.0, 0.0, 20.0))
        broken = particles["parent"][particles["process"] == c.HADRON_INELASTIC]
        whole = np.setdiff1d(np.arange(number), broken)
        columns = own_steps(deposits, whole)
        name = {2212: "proton", 13: "muon"}[pdg]
        length = columns[2].sum() / len(whole)
        figures.append(
            near(f"range of a {energy:g} MeV {name} (cm)", length, reference, 0.05, "range tables")
        )
        if energy == 200.0:
            curves |= {"residual": columns[0], "loss": columns[1] / columns[2]}
            for at in (1.0, 3.0, 10.0):
                close = np.abs(columns[0] / at - 1.0) < 0.2
                value = columns[1][close].sum() / columns[2][close].sum()
                name = f"proton dE/dx at {at:g} cm from rest (MeV/cm)"
                figures.append(near(name, value, 17.0 * at**-0.42, 0.10, "17 R^-0.42"))
    return Sample(figures, curves)


def stopping_muons(number: int, seed: int = 3) -> Sample:
    """Muons of both charges at rest: who decays, when, and the Michel electrons."""
    curves, figures = {}, []
    for pdg, reference, tolerance in ((-13, 1.0, 1e-9), (13, 0.25, 0.25)):
        deposits, particles = fire(pdg, np.full(number, 60.0), seed, (128.0, 0.0, 500.0))
        own = particles["instance"] == np.arange(len(particles))
        michel = np.flatnonzero((particles["label"] == MICHEL) & own)
        name = "mu+" if pdg < 0 else "mu-"
        share = len(michel) / number
        figures.append(
            near(f"share of {name} at rest that decay", share, reference, tolerance, "PDG")
        )
        if pdg > 0:
            continue
        energies, times = particles["kinetic_energy"][michel], particles["time"][michel]
        sizes = np.array([_voxels(deposits, deposits.particle == row) for row in michel])
        quartiles = np.percentile(sizes, [25, 75])
        figures += [
            near("Michel electrons' mean energy (MeV)", energies.mean() + 0.511, 36.98, 0.08,
                 "x^2 (3 - 2x)"),
            Figure("Michel electrons' largest energy (MeV)", float(energies.max() + 0.511), 52.83,
                   48.0, 52.84, "end point"),
            near("mean life of mu+ (us)", times.mean(), 2.197, 0.2, "PDG"),
            Figure("3 mm voxels of a Michel electron itself, lower quartile", float(quartiles[0]),
                   11.0, 8.0, 34.0, "PILArNet"),
            Figure("3 mm voxels of a Michel electron itself, upper quartile", float(quartiles[1]),
                   43.0, 32.0, 56.0, "PILArNet"),
        ]  # fmt: skip
        curves = {"energies": energies, "sizes": sizes}
    return Sample(figures, curves)


def _voxels(deposits: Deposits, chosen: np.ndarray) -> int:
    middle = 0.5 * (deposits.start[chosen] + deposits.end[chosen])
    return len(np.unique(np.floor(middle / 0.3).astype(int), axis=0))


def showers(number: int, seed: int = 4) -> Sample:
    """Electrons and photons of 1 GeV: conversion gap, longitudinal and lateral profile."""
    start = (128.0, 0.0, 100.0)
    electrons = fire(11, np.full(number, 1000.0), seed, start)
    photons = fire(22, np.full(number, 1000.0), seed + 1, start)
    particles = photons[1]
    pair = (particles["process"] == c.CONVERSION) & (particles["parent"] < number)
    gaps = particles["start"][pair & (particles["pdg"] == 11), 2] - start[2]
    figures = [near("photon conversion gap, mean (cm)", gaps.mean(), 18.0, 0.2, "9 X0 / 7")]
    curves = {"gaps": gaps}
    for name, (deposits, _), reference in (
        ("electron", electrons, 2.94), ("photon", photons, 3.94),
    ):  # fmt: skip
        middle = 0.5 * (deposits.start + deposits.end)
        depth = np.maximum((middle[:, 2] - start[2]) / LIQUID_ARGON.radiation_length, 1e-3)
        radius = np.hypot(middle[:, 0] - start[0], middle[:, 1] - start[1])
        shape, rate = fit_gamma(depth, deposits.energy)
        figures.append(
            Figure(f"depth of the maximum, 1 GeV {name} (X0)", (shape - 1) / rate, reference,
                   reference - 0.7, reference + 0.7, "ln(E/Ec) -+ 0.5")
        )  # fmt: skip
        if name == "electron":
            energy = deposits.energy
            figures += [
                near("profile parameter b, 1 GeV electron", rate, 0.5, 0.25, "PDG"),
                near("deposited energy of a 1 GeV electron (MeV)", energy.sum() / number, 1000.0,
                     0.02, "conservation"),
                Figure("share of energy within 9.04 cm of the axis",
                       float(energy[radius < MOLIERE_RADIUS].sum() / energy.sum()), 0.9, 0.82, 0.95,
                       "Moliere radius"),
            ]  # fmt: skip
            curves["radius"], curves["weight"] = radius, energy / energy.sum()
        curves[f"{name}_depth"], curves[f"{name}_energy"] = depth, deposits.energy / number
        curves[f"{name}_gamma"] = np.array([shape, rate])
    return Sample(figures, curves)


def fit_gamma(depth: np.ndarray, energy: np.ndarray) -> tuple[float, float]:
    """Shape a and rate b of the profile t^(a-1) e^(-bt), by least squares.

    The way the published profiles were fitted. The mean depth and its logarithm would do it faster,
    but a shower's long tail pulls them half a radiation length away from its maximum.
    """
    edges = np.arange(0.0, 20.5, 0.5)
    profile, _ = np.histogram(depth, edges, weights=energy)
    middle = 0.5 * (edges[1:] + edges[:-1])

    def gamma(depth: np.ndarray, size: float, shape: float, rate: float) -> np.ndarray:
        return size * depth ** (shape - 1.0) * np.exp(-rate * depth)

    (_, shape, rate), _ = curve_fit(gamma, middle, profile / profile.max(), p0=(1.0, 3.0, 0.5))
    return float(shape), float(rate)


def cosmic_muons(number: int, seed: int = 5) -> Sample:
    """The cosmic muons of ``number`` readouts before they are carried through the argon."""
    energies, positive, crossing = [], 0, 0
    for i in range(number):
        bank = ParticleBank(MICROBOONE_WORLD)
        add_cosmics(bank, np.random.default_rng([seed, i]))
        particles = bank.particles
        energies.append(particles["kinetic_energy"])
        positive += int((particles["pdg"] < 0).sum())
        crossing += int(_crosses(particles).sum())
    energy = np.concatenate(energies) / 1000.0
    figures = [
        near("cosmic muons, positive over negative", positive / (len(energy) - positive), 1.28, 0.2,
             "measured charge ratio"),
        Figure("cosmic muons seen in a readout", crossing / number, 20.0, 10.0, 35.0,
               "about 5 kHz at the surface"),
    ]  # fmt: skip
    return Sample(figures, {"energy": energy})


def _crosses(particles: np.ndarray) -> np.ndarray:
    """Whether straight tracks pass through charge that is read out."""
    start, direction = particles["start"].astype(float), particles["direction"].astype(float)
    along = np.linspace(0.0, 1200.0, 241)
    points = start[:, None, :] + direction[:, None, :] * along[None, :, None]
    time = np.repeat(particles["time"], len(along))
    seen = MICROBOONE_WORLD.volume.visible(points.reshape(-1, 3), time).reshape(len(particles), -1)
    return np.any(seen, axis=1)
