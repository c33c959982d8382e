"""The recipe ``--config=microboone_embedding_smoke``."""

from jaxsparse.recipes.microboone_embedding_smoke import get_config as get_config
