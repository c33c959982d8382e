"""The recipe ``--config=sparsessnet_y``."""

from jaxsparse.recipes.sparsessnet_y import get_config as get_config
