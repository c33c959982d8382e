"""The recipe ``--config=dune_mobilenet``."""

from jaxsparse.recipes.dune_mobilenet import get_config as get_config
