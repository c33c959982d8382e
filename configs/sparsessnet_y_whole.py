"""The recipe ``--config=sparsessnet_y_whole``."""

from jaxsparse.recipes.sparsessnet_y_whole import get_config as get_config
