"""A small network on NOvA's candidates and both views at once, for a first look.

    jaxsparse simulate --detector=nova --out=nova.h5 --events=4000 --seed=1
    jaxsparse candidates nova.h5 --out=nova_volume.h5
    jaxsparse train --config=nova_lifted_smoke --workdir=runs/nova_lifted_smoke \\
        --config.data.train=nova_volume.h5
    jaxsparse eval --model=runs/nova_lifted_smoke --out=out/nova_lifted_smoke

``nova_lifted`` as small and as short as ``nova_volume_smoke``.
"""

from ml_collections import ConfigDict

from jaxsparse.detectors.nova import NOVA_VIEWS
from jaxsparse.recipes import nova_volume_smoke
from jaxsparse.training.config import see_lifted


def get_config() -> ConfigDict:
    return see_lifted(nova_volume_smoke.get_config(), *NOVA_VIEWS)
