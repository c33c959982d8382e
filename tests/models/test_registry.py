"""Every bad value of config.model is answered with one line."""

import ml_collections
import pytest

from jaxsparse import models
from jaxsparse.errors import InputError

CONFIG = {
    "name": "uresnet",
    "dim": 2,
    "in_channels": 1,
    "filters": 32,
    "depth": 5,
    "blocks": 2,
    "kernel_size": 3,
    "vocabulary": "sparse",
    "dtype": "float32",
    "remat": False,
    "heads": {"semantic": {"num_classes": 5}},
}


def test_the_default_config_is_the_published_network():
    network = models.build(ml_collections.ConfigDict(CONFIG), axis_name="devices")
    assert network == models.Network(
        models.UResNet(axis_name="devices"), {"semantic": models.SemanticHead(5)}
    )


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
        ({"name": "zzz"}, "must be one of fishnet, lifted_uresnet, mobilenet, uresnet"),
        ({"filter": 3}, r"model.filter is not a setting of uresnet: did you mean model.filters\?"),
        ({"axis_name": "x"}, "model.axis_name is not a setting"),
        ({"dim": 4}, "model.dim is 4: it must be a whole number from 2 to 3"),
        ({"dim": True}, "model.dim is True"),
        ({"in_channels": 0}, "model.in_channels is 0: it must be a whole number from 1"),
        ({"heads": {"semantic": {"num_classes": -1}}}, "model.heads.semantic.num_classes is -1"),
        ({"filters": 2.5}, "model.filters is 2.5"),
        ({"depth": 0}, "model.depth is 0: it must be a whole number from 1 to 16"),
        ({"blocks": 0}, "model.blocks is 0"),
        ({"kernel_size": 4}, "model.kernel_size is 4: it must be a positive odd integer"),
        ({"vocabulary": "spars"}, "model.vocabulary is 'spars': it must be one of sparse, dense"),
        ({"order": "last"}, "model.order is 'last'"),
        ({"dtype": "float16"}, "model.dtype is 'float16': it must be one of float32, bfloat16"),
        ({"momentum": 1.0}, r"model.momentum is 1.0: it must lie in \[0, 1\)"),
        ({"remat": "yes"}, "model.remat is 'yes': it must be True or False"),
        (
            {"implementation": "scan"},
            "implementation is 'scan': of the convolution it must be one of auto, native, table, ",
        ),
        (
            {"implementation": "table", "vocabulary": "dense"},
            "implementation is 'table' and vocabulary 'dense'",
        ),
    ],
)
def test_a_bad_value_is_named_with_its_rule(change, message):
    with pytest.raises(InputError, match=message) as caught:
        models.build({**CONFIG, **change})
    assert "\n" not in str(caught.value)


def event(**fields):
    return {"heads": {"event": fields}}


CLASSIFIER = {"dim": 2, "in_channels": 1, "views": 2, "heads": {"event": {"num_classes": 5}}}


@pytest.mark.parametrize(
    ("config", "levels"),
    [
        ({"name": "mobilenet"}, 5),
        ({"name": "mobilenet", "stem_stride": 2}, 6),
        ({"name": "mobilenet", "stages": [[1, 8, 1, 1]], "merge_stage": 1}, 1),
        ({"name": "fishnet"}, 4),
        ({"name": "fishnet", "stem_stride": 4, "preset": "small"}, 6),
    ],
)
def test_a_classifier_is_built_and_says_what_geometry_every_view_needs(config, levels):
    config = ml_collections.ConfigDict({**CLASSIFIER, **config})
    network = models.build(config)
    assert (list(network.heads), network.views) == (["event"], 2)
    assert models.geometry_of(config) == {"levels": levels, "kernels": (3,)}
    assert hash(network) == hash(models.build(config))  # lists of a config become tuples


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "mobilnet"}, "did you mean mobilenet"),
        (
            {"heads": {}},
            "model.heads is {}: give at least one of edges, embedding, event, instance, semantic",
        ),
        ({"heads": {"evnt": {}}}, r"model.heads.evnt is no head: did you mean event\?"),
        (event(poling="sum"), r"is not a setting of head event: did you mean model.heads.event.po"),
        ({"views": 0}, "model.views is 0: it must be a whole number from 1"),
        ({"width": 0}, "model.width is 0: it must be positive"),
        ({"stages": ()}, "model.stages is "),
        ({"stages": ((1, 16, 1, 3),)}, "with stride 1 or 2"),
        ({"stages": ((1, 16, 1),)}, r"one or more \(expansion, channels, blocks, stride\)"),
        ({"merge_stage": 8}, "merge_stage is 8: must be from 0 to the 7 stages"),
        ({"merge_stage": -1}, "model.merge_stage is -1"),
        ({"merge": "sum"}, "model.merge is 'sum': it must be one of add, concatenate"),
        ({"stem_stride": 4}, "model.stem_stride is 4: it must be a whole number from 1 to 2"),
        ({"shared_stem": 1}, "model.shared_stem is 1: it must be True or False"),
        (
            {"activation": "mich"},
            "model.activation is 'mich': it must be one of .*mish, relu, relu6",
        ),
        ({"residual": None}, "model.residual is None: it must be True or False"),
        ({"reduction": -4}, "model.reduction is -4: it must be a whole number from 0"),
        ({"coordinate_inputs": "x"}, "model.coordinate_inputs is 'x'"),
        (event(pooling="mean"), "heads.event.pooling is 'mean': it must be one of average, max"),
        (event(pooling="max+mean"), "average, max, sum, log_sum, or several joined by"),
        (event(pooling="max+max"), "model.heads.event.pooling is 'max.max'"),
        ({"last_channels": 0}, "model.last_channels is 0: it must be a whole number from 1"),
        (event(dropout=1.0), r"model.heads.event.dropout is 1.0: it must lie in \[0, 1\)"),
        (
            {"name": "fishnet", "preset": "150b"},
            "model.preset is '150b': it must be one of 99, 150",
        ),
        ({"name": "fishnet", "planes": (64, 128)}, r"must be \(\) or 11 positive integers"),
        ({"name": "fishnet", "residual_blocks": (1,) * 9}, r"must be \(\) or 10 positive integers"),
        ({"name": "fishnet", "transfer_blocks": "all"}, r"must be \(\) or 6 integers from 0 up"),
        ({"name": "fishnet", "stem_stride": 3}, "model.stem_stride is 3: it must be 1, 2 or 4"),
    ],
)
def test_a_bad_value_of_a_classifier_is_named_with_its_rule(change, message):
    with pytest.raises(InputError, match=message) as caught:
        models.build({"name": "mobilenet", **CLASSIFIER, **change})
    assert "\n" not in str(caught.value)
