"""The recipe ``--config=nova_panoptic``."""

from jaxsparse.recipes.nova_panoptic import get_config as get_config
