"""The recipe ``--config=dune_small``."""

from jaxsparse.recipes.dune_small import get_config as get_config
