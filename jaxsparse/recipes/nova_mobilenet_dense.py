"""The dense twin of ``nova_mobilenet.py``: the same network on whole images, zeros included.

    jaxsparse train --config=nova_mobilenet_dense --workdir=runs/nova_dense \\
        --config.data.train=nova.h5

The role of NOvA's Event CNN in the comparison of the talk (S. H. Oh, APS April 2023: 90.43 %
validation accuracy, 9844 s an epoch and 2.98 GB against 88.42 %, 6814 s and 0.50 GB of the sparse
one). The parameters have the same names and shapes; batch norm sees every pixel; an empty pixel
is 0, so features are standardised on the active sites only, as for the sparse network.
"""

from ml_collections import ConfigDict

from jaxsparse.recipes import nova_mobilenet


def get_config() -> ConfigDict:
    config = nova_mobilenet.get_config()
    config.model.vocabulary = "dense"
    return config
