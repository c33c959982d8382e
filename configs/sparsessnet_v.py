"""The recipe ``--config=sparsessnet_v``."""

from jaxsparse.recipes.sparsessnet_v import get_config as get_config
