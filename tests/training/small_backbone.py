"""A backbone that is compiled in seconds, for recipes of panoptic networks."""

from ml_collections import ConfigDict

from jaxsparse import models


def on_small_backbone(config: ConfigDict) -> ConfigDict:
    """Puts the heads of a config on a UResNet of one level, and returns them."""
    heads = config.model.heads
    config.model = models.defaults("uresnet", [])
    config.model.update({"views": 2, "filters": 8, "depth": 1, "blocks": 1, "heads": heads})
    config.model.update({"shared_stem": True, "shared_stages": True})
    return config.model.heads
