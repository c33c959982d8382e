"""The recipe ``--config=nova_volume``."""

from jaxsparse.recipes.nova_volume import get_config as get_config
