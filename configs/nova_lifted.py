"""The recipe ``--config=nova_lifted``."""

from jaxsparse.recipes.nova_lifted import get_config as get_config
