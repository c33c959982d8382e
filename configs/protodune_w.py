"""The recipe ``--config=protodune_w``."""

from jaxsparse.recipes.protodune_w import get_config as get_config
