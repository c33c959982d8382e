"""The recipe ``--config=uresnet_3d``."""

from jaxsparse.recipes.uresnet_3d import get_config as get_config
