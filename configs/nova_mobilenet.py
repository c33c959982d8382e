"""The recipe ``--config=nova_mobilenet``."""

from jaxsparse.recipes.nova_mobilenet import get_config as get_config
