"""Batches whose pixels are listed event by event: what targets of pixels are tested on."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxsparse.data.batch import make_batch
from jaxsparse.data.pixels import Pixels


def batch_of(events, shape, dtype, columns):
    """A batch of two views, whose pixels lie in the first cells of the image.

    Args:
      events: of each event and view the values of its pixels.
      shape: of the images.
      dtype: of the values.
      columns: from the values of a view to its targets by name.
    """
    views = []
    for view in range(2):
        own = [np.array(event[view], dtype) for event in events]
        cells = [np.stack(np.unravel_index(np.arange(len(each)), shape), axis=1) for each in own]
        values = np.concatenate(own)
        coords = np.concatenate(cells).astype(np.int32)
        ones = np.ones(len(values), np.float32)
        views.append(Pixels(coords, ones, np.array(list(map(len, own))), shape, columns(values)))
    return jax.tree.map(jnp.asarray, make_batch(views, levels=1))
