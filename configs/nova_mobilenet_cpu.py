"""The recipe ``--config=nova_mobilenet_cpu``."""

from jaxsparse.recipes.nova_mobilenet_cpu import get_config as get_config
