"""A small network on MicroBooNE's candidates and its three planes at once, for a first look.

    jaxsparse simulate --out=planes.h5 --events=120 --seed=1 --views=U,V,Y,row_voxels
    jaxsparse candidates planes.h5 --out=volume.h5
    jaxsparse train --config=microboone_lifted_smoke --workdir=runs/microboone_lifted_smoke \\
        --config.data.train=volume.h5
    jaxsparse eval --model=runs/microboone_lifted_smoke --out=out/microboone_lifted_smoke

``microboone_lifted`` as small and as short as ``microboone_volume_smoke``.
"""

from ml_collections import ConfigDict

from jaxsparse.detectors.microboone import PLANES
from jaxsparse.recipes import microboone_volume, microboone_volume_smoke
from jaxsparse.training.config import see_lifted


def get_config(only: str = ",".join(microboone_volume.HEADS)) -> ConfigDict:
    return see_lifted(microboone_volume_smoke.get_config(only), *PLANES)
