"""The recipe ``--config=nova_mobilenet_dense``."""

from jaxsparse.recipes.nova_mobilenet_dense import get_config as get_config
