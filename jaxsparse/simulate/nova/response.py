"""From energy deposits to hits: light, fibres, photodiodes, threshold, calibration."""

from __future__ import annotations

import dataclasses

import numpy as np

from jaxsparse.data.columns import Columns
from jaxsparse.data.deposits import Deposits
from jaxsparse.simulate.ionization import subdivide
from jaxsparse.simulate.nova.detector import CellDetector
from jaxsparse.simulate.nova.truth import TRUTH_FLOOR, hit_truth
from jaxsparse.simulate.pixel_truth import merge

LONGEST_STEP = 0.25  # cm: less than a wall
# MeV/cm beyond which a step's ratio says how it was cut and nothing about ionisation.
STEEPEST = {"light": 12.0, "heavy": 500.0}


@dataclasses.dataclass(frozen=True)
class Hits(Columns):
    """Cells above threshold, and who lit them.

    Attributes:
      event: int64 ``[hits]``, number of the event.
      plane, cell: int64 ``[hits]``.
      energy: float64 ``[hits]``, calibrated MeV.
      instance: int64 ``[hits]``, row of the particle whose instance gave most of the light among
        those of the primary that gave most, -1 for none.
      share: float64 ``[hits]``, its share of the light.
      primary_share: float64 ``[hits]``, its primary's share of the light.
      overlap: int64 ``[hits]``, number of instances that gave a tenth of the light and more.
      along: float64 ``[hits]``, cm: mean of the light's coordinate along the cell, y of a vertical
        cell and x of a horizontal one.
      along_spread: float64 ``[hits]``, cm: its standard deviation.
    """

    event: np.ndarray
    plane: np.ndarray
    cell: np.ndarray
    energy: np.ndarray
    instance: np.ndarray
    share: np.ndarray
    primary_share: np.ndarray
    overlap: np.ndarray
    along: np.ndarray
    along_spread: np.ndarray

    def __len__(self) -> int:
        return len(self.plane)


def make_hits(
    deposits: Deposits,
    pdg: np.ndarray,
    instance: np.ndarray,
    primary: np.ndarray,
    event: np.ndarray,
    detector: CellDetector,
    rng: np.random.Generator,
) -> Hits:
    """Hits of events that share a bank, in order of event, plane and cell.

    Light in the gate is quenched, attenuated on its way, counted with the photodiode's fluctuation
    and noise, cut at the threshold and calibrated back to the energy of a minimum ionising
    particle with the attenuation at the light's mean position, as the other view gives it.

    Args:
      deposits: steps of energy loss in the mixed medium; outside the detector they vanish.
      pdg: code of every particle.
      instance: row of the particle whose instance every particle belongs to.
      primary: row of every particle's primary.
      event: number of every primary's event.
      detector: the cells.
      rng: of photo-statistics and noise.
    """
    deposits = deposits.take((deposits.time >= 0.0) & (deposits.time <= detector.gate))
    light = _light(deposits, pdg, detector)
    points, share, row = subdivide(deposits, LONGEST_STEP)
    flat, along, seen = _cells(points, detector)
    light, particle = (light[row] * share)[seen], deposits.particle[row[seen]]
    owner = primary[particle]
    fibre_share = detector.fibre_share(detector.length - along)
    expected = light * detector.photo_electrons_per_mev * fibre_share

    flat += event[owner] * (detector.planes * detector.cells)  # events never share a cell
    keys, number, signal = merge(flat, owner, expected, max(len(event), 1))
    cells, starts = np.unique(keys, return_index=True)
    if not len(cells):
        return Hits(*([np.zeros(0, np.int64)] * len(dataclasses.fields(Hits))))
    total = np.add.reduceat(signal, starts)
    place = np.searchsorted(cells, flat)
    attenuation = total / np.bincount(place, light, minlength=len(cells))

    counted = rng.poisson(total)
    spread = np.sqrt((detector.excess_noise - 1.0) * counted + detector.noise**2)
    measured = counted + spread * rng.standard_normal(len(cells))
    measured = np.minimum(measured, detector.saturation)
    energy = measured / attenuation / detector.quenching(_mip_loss(detector))

    count = np.diff(np.append(starts, len(keys)))
    largest = np.maximum.reduceat(signal, starts)
    winner = np.zeros(len(cells), np.int64)
    best = np.flatnonzero(signal == np.repeat(largest, count))[::-1]  # the first of equals stays
    winner[np.searchsorted(cells, keys[best])] = number[best]
    leading = np.where(largest >= TRUTH_FLOOR, winner, -1)
    hit = measured >= detector.threshold
    lit = hit[place]
    number_of_hit = np.cumsum(hit) - 1
    where = np.unravel_index(cells[hit], (len(event), detector.planes, detector.cells))
    return Hits(
        event=where[0],
        plane=where[1],
        cell=where[2],
        energy=energy[hit],
        **hit_truth(
            number_of_hit[place[lit]], instance[particle[lit]], expected[lit], along[lit],
            primary, leading[hit],
        ),
    )  # fmt: skip


def _mip_loss(detector: CellDetector) -> np.ndarray:
    """MeV/cm of a minimum ionising muon in the scintillator."""
    return np.array(detector.mip_energy / (detector.depth - 2.0 * detector.outer_wall))


def _light(deposits: Deposits, pdg: np.ndarray, detector: CellDetector) -> np.ndarray:
    """Light (MeV) of every step, were it all in scintillator."""
    energy = deposits.energy * detector.density_share
    electron = np.isin(np.abs(pdg), (11, 22))[deposits.particle]
    steepest = np.where(electron, STEEPEST["light"], STEEPEST["heavy"])
    de_dx = np.minimum(energy / np.maximum(deposits.length, 1e-6), steepest)
    return energy * detector.quenching(de_dx)


def _cells(points: np.ndarray, detector: CellDetector) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flat cell of points (cm), coordinate along it, and which points are in any cell.

    The first two have rows for those points only.
    """
    plane = np.floor(points[:, 2] / detector.depth).astype(np.int64)
    vertical = plane % 2 == 0
    across = np.where(vertical, points[:, 0], points[:, 1])
    along = np.where(vertical, points[:, 1], points[:, 0])
    cell = np.floor(across / detector.width).astype(np.int64)
    into_plane = points[:, 2] - plane * detector.depth
    into_cell = across - cell * detector.width
    seen = (plane >= 0) & (plane < detector.planes) & (cell >= 0) & (cell < detector.cells)
    seen &= (along >= 0.0) & (along < detector.length)
    seen &= np.abs(into_plane - 0.5 * detector.depth) < 0.5 * detector.depth - detector.outer_wall
    half = 0.5 * detector.width
    seen &= np.abs(into_cell - half) < half - 0.5 * detector.inner_wall
    flat = plane[seen] * detector.cells + cell[seen]
    return flat, along[seen], seen
