"""The recipe ``--config=nova_fishnet_small``."""

from jaxsparse.recipes.nova_fishnet_small import get_config as get_config
