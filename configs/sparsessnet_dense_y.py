"""The recipe ``--config=sparsessnet_dense_y``."""

from jaxsparse.recipes.sparsessnet_dense_y import get_config as get_config
