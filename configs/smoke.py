"""The recipe ``--config=smoke``."""

from jaxsparse.recipes.smoke import get_config as get_config
