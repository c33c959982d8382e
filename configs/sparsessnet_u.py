"""The recipe ``--config=sparsessnet_u``."""

from jaxsparse.recipes.sparsessnet_u import get_config as get_config
