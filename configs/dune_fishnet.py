"""The recipe ``--config=dune_fishnet``."""

from jaxsparse.recipes.dune_fishnet import get_config as get_config
