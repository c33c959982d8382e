"""The recipe ``--config=microboone_lifted_smoke``."""

from jaxsparse.recipes.microboone_lifted_smoke import get_config as get_config
