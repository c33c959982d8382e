"""The recipe ``--config=nova_panoptic_small``."""

from jaxsparse.recipes.nova_panoptic_small import get_config as get_config
