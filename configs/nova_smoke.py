"""The recipe ``--config=nova_smoke``."""

from jaxsparse.recipes.nova_smoke import get_config as get_config
