"""UResNet on planes and, with what it finds there, on candidates in three dimensions."""

from collections.abc import Sequence
from typing import ClassVar

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Int32

from jaxsparse.errors import InputError
from jaxsparse.models.backbones.backbone import EVENT, PIXELS, Features, View
from jaxsparse.models.backbones.uresnet import UResNet, stages_of
from jaxsparse.nn.blocks import BlockSettings
from jaxsparse.ops.event_reduction import EventRows
from jaxsparse.ops.rows import take_rows
from jaxsparse.tensor import SparseTensor


class LiftedUResNet(UResNet):
    """A UResNet on every plane and one on the candidates that the planes show, trained together.

    The last view holds the candidates (``jaxsparse candidates``), the views before it show them. At
    a candidate the network of the last view sees, beside its own value, the features that the
    networks of the planes have at the pixels that show it; zeros where a plane does not. So a loss
    of candidates trains the networks of the planes too.

    Heads of pixels give an answer for the pixels of every plane and for the candidates, each with
    layers of its own. Heads of events read the bottom of all views.

    Named features are those of :class:`UResNet`; ``_view_<v>`` of the last view are the
    candidates'. Parameters of planes have the names that they have in a UResNet of so many views,
    those of candidates lie in ``stem_volume`` and ``tower_volume``.

    Raises:
      InputError: fewer than two views, or the dense vocabulary.
    """

    lifts: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.views < 2:
            raise InputError(
                f"model.views is {self.views}: a lifted network needs planes and, as the last "
                "view, their candidates"
            )
        if self.vocabulary == "dense":
            raise InputError(
                "model.vocabulary is 'dense': candidates are linked to lists of pixels, set it to "
                "'sparse'"
            )

    @nn.nowrap
    def axes(self, dim: int) -> tuple[int, ...]:
        """Spatial axes of every view: candidates have one more than the planes."""
        return (dim - 1,) * (self.views - 1) + (dim,)

    @nn.compact
    def __call__(
        self,
        settings: BlockSettings,
        views: Sequence[View],
        wanted: frozenset[str],
        links: tuple[Int32[Array, " _"], ...] = (),
    ) -> Features:
        *planes, (volume, geometry) = views
        if len(links) != len(planes):
            raise InputError(
                f"{len(links)} links for {len(planes)} planes: give the rows of the pixels that "
                "show the candidates, one array a plane"
            )
        found = self.of_views(settings, planes, wanted | {PIXELS})
        shown = [
            take_rows(x.features, rows_of(x, volume, own))
            for x, own in zip(found.pixels, links, strict=True)
        ]
        lifted = volume.replace(features=jnp.concatenate([volume.features, *shown], axis=1))
        stages = stages_of(
            self.stem(settings, "stem_volume"),
            self.tower(settings, "tower_volume"),
            (lifted, geometry),
            wanted,
        )
        named = {f"{stage}_view_{len(planes)}": x for stage, x in stages.items()}
        return Features(
            found.named | named,
            (*found.pixels, self.top(stages)) if PIXELS in wanted else (),
            (*found.event, stages["bottom"]) if EVENT in wanted else (),
        )


def rows_of(
    plane: SparseTensor, volume: SparseTensor, links: Int32[Array, " sites"]
) -> Int32[Array, " sites"]:
    """Rows of a plane that show the sites of a volume; -1 where none does and on padding.

    Args:
      plane, volume: of the same events.
      links: for every site of the volume the row counted within its event, -1 for none.

    >>> from jaxsparse import sparse_tensor
    >>> plane = sparse_tensor([[0, 3], [1, 2], [1, 5]], [[1.0]] * 3, spatial_shape=(8,),
    ...                       batch_size=2)
    >>> volume = sparse_tensor([[0, 3, 1], [1, 5, 1]], [[1.0]] * 2, spatial_shape=(8, 8),
    ...                        batch_size=2, capacity=3)
    >>> rows_of(plane, volume, jnp.array([0, 1, -1], jnp.int32)).tolist()
    [0, 2, -1]
    """
    event = jnp.clip(volume.coords[:, 0], 0)
    return jnp.where((links >= 0) & volume.mask, EventRows.of(plane).bounds[event] + links, -1)
