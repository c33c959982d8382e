"""The recipe ``--config=nova_lifted_smoke``."""

from jaxsparse.recipes.nova_lifted_smoke import get_config as get_config
