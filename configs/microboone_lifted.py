"""The recipe ``--config=microboone_lifted``."""

from jaxsparse.recipes.microboone_lifted import get_config as get_config
