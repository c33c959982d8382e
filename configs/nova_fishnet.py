"""The recipe ``--config=nova_fishnet``."""

from jaxsparse.recipes.nova_fishnet import get_config as get_config
