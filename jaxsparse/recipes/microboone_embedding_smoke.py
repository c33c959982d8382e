"""``microboone_panoptic_smoke`` with embeddings in place of pairs of pixels, to be compared.

    jaxsparse simulate --out=train.h5 --events=2500 --views=Y --topology=published_bomb \\
        --seed=301 --window=704
    jaxsparse train --config=microboone_embedding_smoke --workdir=runs/embedding \\
        --config.data.train=train.h5
    jaxsparse simulate --out=test.h5 --events=60 --views=Y --topology=published_bomb --seed=203
    jaxsparse eval --model=runs/embedding --data=test.h5 --out=out

The same data, beginning and steps; it takes as long (``docs/panoptic_wires.md`` compares both).
"""

from ml_collections import ConfigDict

from jaxsparse.recipes import microboone_panoptic_smoke


def get_config() -> ConfigDict:
    return microboone_panoptic_smoke.get_config("semantic,embedding")
