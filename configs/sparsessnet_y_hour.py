"""The recipe ``--config=sparsessnet_y_hour``."""

from jaxsparse.recipes.sparsessnet_y_hour import get_config as get_config
