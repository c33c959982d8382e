"""From energy deposits to hits: light, fibres, photodiodes, threshold, calibration."""

from __future__ import annotations

import dataclasses

import numpy as np

from jaxsparse.data.columns import Columns
from jaxsparse.data.deposits import Deposits
from jaxsparse.simulate.ionization import subdivide
from jaxsparse.simulate.nova.detector import CellDetector
from jaxsparse.simulate.pixel_truth import merge

LONGEST_STEP = 0.25  # cm: less than a wall
# MeV/cm beyond which a step's ratio says how it was cut and nothing about ionisation.
STEEPEST = {"light": 12.0, "heavy": 500.0}
TRUTH_FLOOR = 1.0  # photo-electrons: less names no pixel


@dataclasses.dataclass(frozen=True)
class Hits(Columns):
    """Cells above threshold, and who lit them.

    Attributes:
      event: int64 ``[hits]``, number of the event.
      plane, cell: int64 ``[hits]``.
      energy: float64 ``[hits]``, calibrated MeV.
      owner: int64 ``[hits]``, row of the primary that gave most of the light.
      share: float64 ``[hits]``, its share of the light.
      overlap: int64 ``[hits]``, number of primaries that gave a tenth of the light and more.
    """

    event: np.ndarray
    plane: np.ndarray
    cell: np.ndarray
    energy: np.ndarray
    owner: np.ndarray
    share: np.ndarray
    overlap: np.ndarray

    def __len__(self) -> int:
        return len(self.plane)

    def of_event(self, rows: slice, first: int) -> Hits:
        """Those of one event, their owners counted from ``first``."""
        own = self.take(rows)
        return dataclasses.replace(own, owner=np.where(own.owner < 0, -1, own.owner - first))


def make_hits(
    deposits: Deposits,
    pdg: np.ndarray,
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
      primary: row of every particle's primary.
      event: number of every primary's event.
      detector: the cells.
      rng: of photo-statistics and noise.
    """
    deposits = deposits.take((deposits.time >= 0.0) & (deposits.time <= detector.gate))
    light = _light(deposits, pdg, detector)
    points, share, row = subdivide(deposits, LONGEST_STEP)
    flat, distance, seen = _cells(points, detector)
    light, owner = (light[row] * share)[seen], primary[deposits.particle[row[seen]]]
    expected = light * detector.photo_electrons_per_mev * detector.fibre_share(distance)

    flat += event[owner] * (detector.planes * detector.cells)  # events never share a cell
    keys, number, signal = merge(flat, owner, expected, max(len(event), 1))
    cells, starts = np.unique(keys, return_index=True)
    if not len(cells):
        none = np.zeros(0, np.int64)
        return Hits(none, none, none, np.zeros(0), none, np.zeros(0), none)
    total = np.add.reduceat(signal, starts)
    place = np.searchsorted(cells, flat)
    attenuation = total / np.bincount(place, light, minlength=len(cells))

    counted = rng.poisson(total)
    spread = np.sqrt((detector.excess_noise - 1.0) * counted + detector.noise**2)
    measured = counted + spread * rng.standard_normal(len(cells))
    measured = np.minimum(measured, detector.saturation)
    energy = measured / attenuation / detector.quenching(_mip_loss(detector))

    count = np.diff(np.append(starts, len(keys)))
    within = signal >= np.repeat(np.maximum(0.1 * total, TRUTH_FLOOR), count)
    overlap = np.add.reduceat(within.astype(np.int64), starts)
    largest = np.maximum.reduceat(signal, starts)
    winner = np.zeros(len(cells), np.int64)
    best = np.flatnonzero(signal == np.repeat(largest, count))[::-1]  # the first of equals stays
    winner[np.searchsorted(cells, keys[best])] = number[best]
    hit = measured >= detector.threshold
    where = np.unravel_index(cells[hit], (len(event), detector.planes, detector.cells))
    return Hits(
        event=where[0],
        plane=where[1],
        cell=where[2],
        energy=energy[hit],
        owner=np.where(largest >= TRUTH_FLOOR, winner, -1)[hit],
        share=(largest / total)[hit],
        overlap=overlap[hit],
    )


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
    """Flat cell of points (cm), distance to its readout end, and which points are in any cell.

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
    return flat, detector.length - along[seen], seen
