"""The recipe ``--config=microboone_panoptic``."""

from jaxsparse.recipes.microboone_panoptic import get_config as get_config
