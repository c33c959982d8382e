"""The recipe ``--config=demo``."""

from jaxsparse.recipes.demo import get_config as get_config
