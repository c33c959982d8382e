"""One score a pixel, of both vocabularies."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxsparse.models import SemanticHead, VertexHead
from jaxsparse.nn.blocks import BlockSettings
from jaxsparse.nn.dense_tensor import to_dense_tensor
from tests.models.heads.pixel_batches import features_of, views


def test_a_pixel_has_one_score_and_padding_none_in_either_vocabulary():
    images, head = views(), VertexHead()
    quiet = BlockSettings(train=False)
    scores, variables = head.init_with_output(jax.random.key(0), quiet, features_of(images), images)
    dense = tuple(to_dense_tensor(image, masked=True) for image in images)
    masked = BlockSettings(train=False, vocabulary="dense")
    others = head.apply(variables, masked, features_of(dense), images)
    for own, other, image in zip(scores, others, images, strict=True):
        assert own.shape == (20, 1)
        assert own.dtype == jnp.float32
        assert not np.asarray(own)[int(image.num_active) :].any()
        np.testing.assert_allclose(own, other, rtol=1e-4, atol=1e-5)


def test_its_layers_are_those_of_a_semantic_head_of_one_class():
    images, quiet = views(), BlockSettings(train=False)
    heads = (VertexHead(), SemanticHead(num_classes=1))
    own, other = (
        head.init_with_output(jax.random.key(0), quiet, features_of(images), images)
        for head in heads
    )
    jax.tree.map(np.testing.assert_array_equal, own, other)
