"""Events made by the dozen: the particles of many share one bank.

The transport carries the particles of all its events together, for an event alone is too small to
keep numpy busy. A block always holds the same events, so that event i is the same whoever makes it.
"""

from __future__ import annotations

import abc
import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np

from jaxsparse.data.schema import Event
from jaxsparse.errors import InputError
from jaxsparse.simulate.event_classes import Origin
from jaxsparse.simulate.transport.bank import ParticleBank
from jaxsparse.simulate.transport.generator import transport
from jaxsparse.simulate.transport.world import World

TRIES = 1000  # draws of one event until enough of it is seen

# Adds the primaries of one event of a class to the bank.
Begin = Callable[[ParticleBank, str, np.random.Generator], Origin]
# Turns a carried bank into events; ``first`` holds the row of the first primary of each.
Finish = Callable[[ParticleBank, np.ndarray, Sequence[Origin], np.random.Generator], list[Event]]


class BlockEvents(abc.ABC):
    """Events by number, of which a block of neighbours is made at once; the last one is kept.

    Attributes:
      block_size: events in a block.
    """

    block_size: ClassVar[int]

    def __getitem__(self, index: int) -> Event:
        """Event number ``index``, any number from 0."""
        return self.block(index // self.block_size)[index % self.block_size]

    def block(self, number: int) -> list[Event]:
        """Events ``number * block_size`` up to the next block's."""
        return _kept(self, number)

    @abc.abstractmethod
    def make(self, number: int) -> list[Event]:
        """Makes a block."""


@functools.lru_cache(maxsize=1)
def _kept(source: BlockEvents, number: int) -> list[Event]:
    return source.make(number)


def make_block(
    seed: int,
    number: int,
    size: int,
    world: World,
    *,
    draw_class: Callable[[np.random.Generator], str],
    begin: Begin,
    finish: Finish,
    seen: Callable[[Event], bool],
    least: str,
) -> list[Event]:
    """Events ``number * size`` up to the next block's; those not ``seen`` are drawn again.

    Args:
      seed: of everything.
      number: of the block.
      size: events in a block.
      world: where the particles move.
      draw_class: class of an event, drawn once an event, not once a try, so that the shares of the
        classes are those asked for.
      begin, finish: what happens first and what the detector makes of it.
      seen: whether enough of an event is seen to keep it.
      least: what ``seen`` asks for, as the error says it.

    Raises:
      InputError: an event that is not seen, however often it is drawn.
    """
    indices = range(number * size, (number + 1) * size)
    streams = {index: np.random.default_rng((seed, index)) for index in indices}
    classes = {index: draw_class(streams[index]) for index in indices}
    common = np.random.default_rng((seed, number, size))
    events: dict[int, Event] = {}
    pending = list(indices)
    for _ in range(TRIES):
        bank = ParticleBank(world)
        origins, first = [], [0]
        for index in pending:
            origins.append(begin(bank, classes[index], streams[index]))
            first.append(len(bank))
        physics, electronics = common.spawn(2)
        transport(bank, physics)
        made = finish(bank, np.array(first), origins, electronics)
        for index, event in zip(pending, made, strict=True):
            events[index] = dataclasses.replace(event, event_id=index)
        pending = [index for index in pending if not seen(events[index])]
        if not pending:
            return [events[index] for index in indices]
    raise InputError(
        f"Event {pending[0]}: none of {TRIES} draws of {classes[pending[0]]} has {least}."
    )
