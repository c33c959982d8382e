"""The recipe ``--config=nova_volume_smoke``."""

from jaxsparse.recipes.nova_volume_smoke import get_config as get_config
