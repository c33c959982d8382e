"""The recipe ``--config=microboone_volume_smoke``."""

from jaxsparse.recipes.microboone_volume_smoke import get_config as get_config
