"""MicroBooNE in three dimensions: three wire planes and their candidates in one network.

    jaxsparse candidates planes.h5 --out=volume.h5
    jaxsparse train --config=microboone_lifted --workdir=runs/microboone_lifted \\
        --config.data.train=volume.h5 --config.data.validation=validation_volume.h5

No published recipe. The training of ``microboone_volume``, in the same windows of candidates; but
instead of the charges of the pixels that show it, a candidate sees the features that a UResNet of
each plane has there, and all are trained together. Of a plane the networks see what lies around the
pixels that show the window. These are named, and told apart in each plane, too.
``microboone_lifted:semantic`` has this head alone.
"""

from ml_collections import ConfigDict

from jaxsparse.detectors.microboone import PLANES
from jaxsparse.recipes import microboone_volume
from jaxsparse.training.config import see_lifted


def get_config(only: str = ",".join(microboone_volume.HEADS)) -> ConfigDict:
    return see_lifted(microboone_volume.get_config(only), *PLANES)
