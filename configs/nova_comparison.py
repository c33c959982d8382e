"""The recipe ``--config=nova_comparison``."""

from jaxsparse.recipes.nova_comparison import get_config as get_config
