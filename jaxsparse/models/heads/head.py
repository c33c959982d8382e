"""What all heads have in common."""

import abc
from typing import Any, ClassVar

import flax.linen as nn

from jaxsparse.errors import InputError
from jaxsparse.models.backbones.backbone import Features
from jaxsparse.models.fields import check_fields
from jaxsparse.nn.blocks import BlockSettings


class Head(nn.Module, abc.ABC):
    """From features to scores, float32.

    A head says what it ``reads``, ``PIXELS`` or ``EVENT``, and gives ``__call__``. One that tells
    classes has a field ``num_classes``. One that ``tells_particles`` apart does so among the pixels
    that a head ``semantic`` names, and needs it. One that ``reads_classes`` sees what that says,
    class by class. Last layers have a bias and float32 operands whatever the ``dtype`` of the
    network.
    """

    reads: ClassVar[str]
    tells_particles: ClassVar[bool] = False
    reads_classes: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self)

    @abc.abstractmethod
    def __call__(self, settings: BlockSettings, features: Features, images: tuple[Any, ...]) -> Any:
        """The output.

        Args:
          settings: of the network.
          features: what it reads.
          images: the batch, one a view, as it was given to the network.
        """


def check_lists_of_pixels(settings: BlockSettings, head: str) -> None:
    """Refuses the dense vocabulary for a head that works on lists of pixels."""
    if settings.vocabulary == "dense":
        raise InputError(
            f"model.vocabulary is 'dense': the head {head} works on lists of pixels, set it to "
            "'sparse'"
        )
