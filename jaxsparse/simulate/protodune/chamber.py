"""ProtoDUNE-HD: one readout unit of a surface detector, its plane W, values in electrons.

The chamber is the drift volume in front of one unit (an APA). 480 wires of plane W see it. The
other 480 look to the far side and stay empty, so that images have the shape of the detector's.
U and V wrap around the frame and see both sides; they are not simulated.

Known: pitch, field, drift speed, ticks. The size of the volume is that of the unit and the drift
length. Assumed: electron lifetime, diffusion as in DUNE's settings, noise, where the trigger lies.
Not in it: radioactivity of the argon (single pixels in data), space charge, and the filter that
keeps only what lies in regions of interest.
"""

from __future__ import annotations

from jaxsparse.detectors.protodune import MIP_SCALE, PROTODUNE, PROTODUNE_WIRES
from jaxsparse.simulate.transport.medium import LIQUID_ARGON
from jaxsparse.simulate.transport.world import DriftVolume, World
from jaxsparse.simulate.wire_chamber.chamber import WireChamber, WirePlane, peak_share

_PITCH, _SPEED = 0.479, 0.16  # cm, cm/us at 500 V/cm
_ROWS, _ROW_TICKS, _TICK, _TRIGGER_TICK = 1000, 6, 0.5, 500
_WIRES_IN_FRONT = PROTODUNE_WIRES["W"] // 2
_LOW, _HIGH = (0.0, 0.0, 0.0), (358.0, 600.0, _WIRES_IN_FRONT * _PITCH)
_PULSE = 1.3  # us, of a Gaussian filter of 0.12 MHz
_WINDOW = (-_TRIGGER_TICK * _TICK, (_ROWS * _ROW_TICKS - _TRIGGER_TICK) * _TICK)

PROTODUNE_CHAMBER = WireChamber(
    name=PROTODUNE.name,
    low=_LOW,
    high=_HIGH,
    planes=(
        WirePlane(
            name="W", angle=0.0, offset=0.0, wires=PROTODUNE_WIRES["W"], pulse_sigma=_PULSE,
            wire_sigma=0.03, noise=2.2 * MIP_SCALE, saturation=3600.0 * MIP_SCALE,
        ),
    ),
    world=World(LIQUID_ARGON, DriftVolume(_LOW, _HIGH, _SPEED, _WINDOW)),
    field=0.5,
    pitch=_PITCH,
    rows=_ROWS,
    row_ticks=_ROW_TICKS,
    tick=_TICK,
    first_tick=0,
    trigger_tick=_TRIGGER_TICK,
    drift_velocity=_SPEED,
    electron_lifetime=30_000.0,
    diffusion_along=4.0e-6,
    diffusion_across=8.8e-6,
    # The values of a charge, over all rows, add up to its electrons.
    electrons_per_adc=1.0 / peak_share(_PULSE / (_ROW_TICKS * _TICK)),
    noise_floor=10.0 * MIP_SCALE,
    signal_floor=5.0 * MIP_SCALE,
    truth_floor=1.0 * MIP_SCALE,
    smallest_part=0.1 * MIP_SCALE,
    dead_fraction=0.004,
    dead_group=1.0,
)  # fmt: skip
