"""The recipe ``--config=microboone_volume``."""

from jaxsparse.recipes.microboone_volume import get_config as get_config
