"""The recipe ``--config=microboone_panoptic_smoke``."""

from jaxsparse.recipes.microboone_panoptic_smoke import get_config as get_config
