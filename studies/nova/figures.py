"""What the scintillator simulation gives beside what is known, for plots and tests to check.

Like :mod:`studies.transport.figures`: every function returns a ``Sample`` of figures,
each with its reference and the interval it must stay in, and of the curves that the plots draw.
"""

from __future__ import annotations

import math

import numpy as np

from jaxsparse import particle_data as c
from jaxsparse.data.schema import Event
from jaxsparse.detectors.nova import NOVA_EVENT_CLASSES
from jaxsparse.simulate.nova.detector import NOVA_FAR, SCINTILLATOR, CellDetector
from jaxsparse.simulate.nova.generator import ScintillatorConfig
from jaxsparse.simulate.nova.response import make_hits
from jaxsparse.simulate.nova.source import ScintillatorEvents
from jaxsparse.simulate.transport.energy_loss import restricted_loss
from studies.figure import Figure, Sample, near
from studies.transport.figures import fire, own_steps

# Non-zero pixels of the experiment's training files: mean and standard deviation of the bytes, from
# S. H. Oh, Sparse Convolutional Neural Network for NOvA, APS April 2023.
PUBLISHED_MEAN, PUBLISHED_SPREAD = 14.57, 16.27
RADIATION_LENGTH, MOLIERE_RADIUS = 38.0, 11.0  # cm, as the experiment quotes them
BEGIN = 1000.0  # cm, where particles are fired from


def middle_of_a_cell(detector: CellDetector) -> tuple[float, float, float]:
    """A place in the middle of the detector, and of a cell in both views; cm."""
    across = (detector.cells // 2 + 0.5) * detector.width
    return across, across, BEGIN


def muons(number: int, seed: int = 1) -> Sample:
    """Range and loss of muons of 1 and 2 GeV."""
    world = NOVA_FAR.world
    figures, curves = [], {}
    for energy in (1000.0, 2000.0):
        deposits, _ = fire(13, np.full(number, energy), seed, middle_of_a_cell(NOVA_FAR), world)
        residual, loss, length = own_steps(deposits, np.arange(number))
        path = length.sum() / number
        grid = np.geomspace(0.5, energy, 4000)
        whole = restricted_loss(grid, c.MASSES[13], 1e9, world.medium)
        expected = float(np.trapezoid(1.0 / whole, grid))
        name = f"range of {energy / 1000:g} GeV muons (cm)"
        figures.append(near(name, path, expected, 0.03, "Bethe's formula, integrated"))
    curves = {"residual": residual, "loss": loss / length}
    return Sample(figures, curves)


def protons(number: int, seed: int = 2) -> Sample:
    """Loss of protons of 200 MeV that come to rest, towards their end."""
    start = middle_of_a_cell(NOVA_FAR)
    deposits, _ = fire(2212, np.full(number, 200.0), seed, start, NOVA_FAR.world)
    own = deposits.particle < number
    paths = np.bincount(deposits.particle[own], deposits.length[own], number)
    stopped = np.flatnonzero(paths > 0.9 * paths.max())  # the others broke a nucleus up
    residual, loss, length = own_steps(deposits, stopped)
    steps = (residual > 5.0) & (residual < 15.0)
    mean = float(loss[steps].sum() / length[steps].sum())
    energy = np.geomspace(0.5, 400.0, 2000)
    whole = restricted_loss(energy, c.MASSES[2212], 1e9, NOVA_FAR.medium)
    path = np.concatenate([[0.0], np.cumsum(np.diff(energy) / whole[1:])])
    expected = float(np.interp(15.0, path, energy) - np.interp(5.0, path, energy)) / 10.0
    figure = near(
        "proton, 5 to 15 cm from rest (MeV/cm)", mean, expected, 0.1, "Bethe's formula, integrated"
    )
    return Sample([figure], {"residual": residual, "loss": loss / length})


def showers(number: int, seed: int = 3) -> Sample:
    """Depth and width of showers of 1 GeV."""
    figures, curves = [], {}
    radiation_length = NOVA_FAR.medium.radiation_length
    for pdg, name in ((11, "electron"), (22, "photon")):
        start = middle_of_a_cell(NOVA_FAR)
        deposits, particles = fire(pdg, np.full(number, 1000.0), seed, start, NOVA_FAR.world)
        middle = 0.5 * (deposits.start + deposits.end)
        curves[f"{name}_depth"] = (middle[:, 2] - BEGIN) / radiation_length
        curves[f"{name}_energy"] = deposits.energy / number
        if name == "electron":
            radius = np.hypot(middle[:, 0] - start[0], middle[:, 1] - start[1])
            order = np.argsort(radius)
            share = np.cumsum(deposits.energy[order]) / deposits.energy.sum()
            curves["radius"], curves["share"] = radius[order], share
            nine_tenths = float(radius[order][np.searchsorted(share, 0.9)])
        else:
            curves["gaps"] = particles["end"][:number, 2] - BEGIN
    source = "the experiment's figure"
    figures = [
        near("radiation length (cm)", radiation_length, RADIATION_LENGTH, 0.1, source),
        near("90 % of a shower's energy within (cm)", nine_tenths, MOLIERE_RADIUS, 0.3, source),
        near(
            "conversion gap of 1 GeV photons (cm)", curves["gaps"].mean(),
            9.0 / 7.0 * radiation_length, 6.0 / math.sqrt(number), "9/7 X0",
        ),
    ]  # fmt: skip
    return Sample(figures, curves)


def light(number: int, seed: int = 4) -> Sample:
    """Cells crossed straight by muons of 1.5 GeV, at several distances from the readout."""
    places = np.linspace(50.0, NOVA_FAR.length - 50.0, 7)
    across = middle_of_a_cell(NOVA_FAR)[0]
    distances, signals, energies = [], [], []
    for y in places:
        world = NOVA_FAR.world
        deposits, _ = fire(13, np.full(number, 1500.0), seed, (across, y, BEGIN), world)
        track = deposits.take(deposits.particle < number)
        rows = np.arange(number)
        pdg = np.full(number, 13)
        hits = make_hits(track, pdg, rows, rows, rows, NOVA_FAR, np.random.default_rng(seed))
        first = (hits.plane < (BEGIN + 200.0) / NOVA_FAR.depth) & (hits.plane % 2 == 0)
        distance = NOVA_FAR.length - y
        share = NOVA_FAR.fibre_share(np.array(distance)) * NOVA_FAR.photo_electrons_per_mev
        quenched = NOVA_FAR.quenching(np.array(1.62))
        energies.append(hits.energy[first])
        signals.append(hits.energy[first] * share * quenched)
        distances.append(distance)
    centre = energies[3]
    count, edges = np.histogram(centre, np.arange(5.0, 20.0, 1.0))
    peak = edges[count.argmax()] + 0.5
    figures = [
        near(
            "median light of a cell at the far end (photo-electrons)", np.median(signals[0]), 25.0,
            0.15, "novaart wiki, PhotonTransport",
        ),
        near(
            "peak of a crossed cell (MeV)", peak, most_probable_loss(1400.0), 0.15,
            "Landau's most probable loss",
        ),
    ]  # fmt: skip
    curves = {
        "distances": np.array(distances),
        "signals": np.array([np.median(x) for x in signals]),
        "energies": np.array([np.median(x) for x in energies]),
        "centre": centre,
    }
    return Sample(figures, curves)


def most_probable_loss(kinetic_energy: float) -> float:
    """Landau's most probable loss (MeV) of a muon in a cell's scintillator (PDG, eq. 34.12)."""
    gamma = 1.0 + kinetic_energy / c.MASSES[13]
    beta2 = 1.0 - gamma**-2
    depth = NOVA_FAR.depth - 2.0 * NOVA_FAR.outer_wall
    xi = SCINTILLATOR.knock_on * depth / beta2
    offset, _, high, slope, power = SCINTILLATOR.density_effect
    x = math.log10(math.sqrt(beta2) * gamma)
    screening = 2.0 * math.log(10.0) * x - offset + slope * max(high - x, 0.0) ** power
    excitation = SCINTILLATOR.mean_excitation
    logs = math.log(2.0 * c.ELECTRON_MASS * beta2 * gamma**2 / excitation) + math.log(
        xi / excitation
    )
    return xi * (logs + 0.2 - beta2 - screening)


def events(number: int, seed: int = 5, spectrum: str = "oscillated") -> list[Event]:
    """Events of the default mixture."""
    source = ScintillatorEvents(ScintillatorConfig(spectrum=spectrum), seed=seed)
    return [source[i] for i in range(number)]


def pixels(sample: list[Event], name: str) -> Sample:
    """Bytes and hits of a sample of events."""
    values = np.concatenate([v.values for event in sample for v in event.views.values()])
    hits = np.array([sum(len(v) for v in event.views.values()) for event in sample])
    labels = np.array([event.label for event in sample])
    error = PUBLISHED_SPREAD / math.sqrt(len(sample))  # a hit's energy goes with its event's
    source = "S. H. Oh, APS April 2023"
    figures = [
        Figure(
            f"mean of non-zero pixels, {name}", float(values.mean()), PUBLISHED_MEAN,
            PUBLISHED_MEAN - 0.4 - error, PUBLISHED_MEAN + 0.8 + error, source,
        ),
        near(
            f"spread of non-zero pixels, {name}", values.std(), PUBLISHED_SPREAD,
            0.15 + 2.0 / math.sqrt(len(sample)), source,
        ),
        Figure(
            f"median hits an event, {name}", float(np.median(hits)), 100.0, 30.0, 300.0,
            "tens to hundreds",
        ),
    ]  # fmt: skip
    curves = {"values": values, "hits": hits, "labels": labels}
    curves["energy"] = np.array([event.energy for event in sample])
    for number, event_class in enumerate(NOVA_EVENT_CLASSES):
        if (labels == number).any():
            curves[event_class] = hits[labels == number]
    return Sample(figures, curves)
