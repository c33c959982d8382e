"""The recipe ``--config=nova_panoptic_smoke``."""

from jaxsparse.recipes.nova_panoptic_smoke import get_config as get_config
