"""What the classifiers of several views have in common: how the views come in."""

from collections.abc import Sequence
from typing import Any

from jaxsparse.errors import InputError
from jaxsparse.nn.blocks import BlockSettings
from jaxsparse.nn.coordinate_inputs import append_coordinates


def enter_views(
    settings: BlockSettings,
    images: Sequence[Any],
    geometries: Sequence[Any],
    *,
    views: int,
    coordinate_inputs: bool,
) -> list[tuple[Any, Any]]:
    """The views in the form that the network's vocabulary works on, ``(tensor, geometry)`` each.

    Args:
        settings: of the network.
        images: one batch a view, of the same events.
        geometries: one a view.
        views: how many the network was made for.
        coordinate_inputs: append the coordinates to the features.

    Raises:
        InputError: another number of views, or views of different events.
    """
    if len(images) != views or len(geometries) != views:
        raise InputError(
            f"{len(images)} images and {len(geometries)} geometries: the network has "
            f"views={views}, give one of each a view"
        )
    entered = [settings.layers.enter(x, g) for x, g in zip(images, geometries, strict=True)]
    if coordinate_inputs:
        entered = [(append_coordinates(x), g) for x, g in entered]
    return entered
