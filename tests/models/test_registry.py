"""Every bad value of config.model is answered with one line."""

import ml_collections
import pytest

from jaxsparse import models
from jaxsparse.errors import InputError

CONFIG = {
    "name": "uresnet",
    "dim": 2,
    "in_channels": 1,
    "num_classes": 5,
    "filters": 32,
    "depth": 5,
    "blocks": 2,
    "kernel_size": 3,
    "vocabulary": "sparse",
    "dtype": "float32",
    "remat": False,
}


def test_the_default_config_is_the_published_network():
    network = models.build(ml_collections.ConfigDict(CONFIG), axis_name="devices")
    assert network == models.UResNet(axis_name="devices")


def test_the_geometry_follows_the_config():
    assert models.geometry_of(CONFIG) == {"levels": 5, "kernels": (3,)}
    assert models.geometry_of({**CONFIG, "depth": 2, "kernel_size": 5}) == {
        "levels": 2,
        "kernels": (5,),
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "uresnt"}, r"model.name is 'uresnt': no such network, did you mean uresnet\?"),
        ({"name": "zzz"}, "must be one of uresnet"),
        ({"filter": 3}, r"model.filter is not a setting of uresnet: did you mean model.filters\?"),
        ({"axis_name": "x"}, "model.axis_name is not a setting"),
        ({"dim": 4}, "model.dim is 4: must be 2 or 3"),
        ({"dim": True}, "model.dim is True"),
        ({"in_channels": 0}, "model.in_channels is 0: must be a positive integer"),
        ({"num_classes": -1}, "model.num_classes is -1"),
        ({"filters": 2.5}, "model.filters is 2.5"),
        ({"depth": 0}, "model.depth is 0: must be an integer from 1 to 16"),
        ({"blocks": 0}, "model.blocks is 0"),
        ({"kernel_size": 4}, "model.kernel_size is 4: must be a positive odd integer"),
        ({"vocabulary": "spars"}, "model.vocabulary is 'spars': must be one of sparse, dense"),
        ({"order": "last"}, "model.order is 'last'"),
        ({"dtype": "float16"}, "model.dtype is 'float16': must be one of float32, bfloat16"),
        ({"momentum": 1.0}, r"model.momentum is 1.0: must be a number in \[0, 1\)"),
        ({"remat": "yes"}, "model.remat is 'yes': must be True or False"),
    ],
)
def test_a_bad_value_is_named_with_its_rule(change, message):
    with pytest.raises(InputError, match=message) as caught:
        models.build({**CONFIG, **change})
    assert "\n" not in str(caught.value)
