"""The task of naming whole events from all their views."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from ml_collections import ConfigDict

from jaxsparse import models
from jaxsparse.data.batch import Batch
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.fingerprint import fingerprint
from jaxsparse.data.loader import Loader
from jaxsparse.data.partition import Selection, content_hashes, select_events
from jaxsparse.data.pipeline import chosen_views
from jaxsparse.data.spread_out import spread_or_all
from jaxsparse.errors import InputError
from jaxsparse.training.config import with_class_names
from jaxsparse.training.losses import EventLoss
from jaxsparse.training.metrics import Sums
from jaxsparse.training.segmentation import single_site
from jaxsparse.training.task import Loaders, few_buckets, open_events


class Classification:
    """The mean, over the events of a batch that have a class, of a loss of their scores.

    Raises:
      InputError: views, classes or options of the loss that do not fit the network.
    """

    def __init__(self, config: ConfigDict):
        self.config = config
        self.settings = models.geometry_of(config.model)
        self.event_loss = EventLoss.of(config.loss, config.model.num_classes)
        if len(config.data.views) != config.model.views:
            raise InputError(
                f"data.views is {tuple(config.data.views)} but model.views is "
                f"{config.model.views}: give as many views as the network has, or set model.views."
            )
        names = tuple(config.data.classes)
        if names and len(names) != config.model.num_classes:
            raise InputError(
                f"data.classes is {names} but model.num_classes is {config.model.num_classes}: "
                "set model.num_classes to their number."
            )

    @property
    def has_validation(self) -> bool:
        return bool(self.config.data.validation or self.config.data.split)

    def loaders(self, num_devices: int) -> Loaders:
        every = self.config.train
        source = self._open(self.config, "train")
        # Every other file is read by the names of this one, in whatever order it has them.
        config = with_class_names(self.config, source.event_classes)
        own_file = bool(config.data.validation)
        selection = self._select(config, source, () if own_file else config.data.split, "train")
        common: dict[str, Any] = dict(
            num_devices=num_devices, levels=self.settings["levels"], seed=config.seed
        )
        train = Loader(
            source, config.data, shuffle=True, batch_size=every.batch_size,
            micro_batches=every.accumulate, events=selection.events, **common,
        )  # fmt: skip
        facts = {
            "data": f"{config.data.train}, views {', '.join(config.data.views)}",
            "classes": ", ".join(train.pipeline.classes),
            "training": selection.describe(),
        }
        contents = {"data.train": fingerprint(source)}
        if not self.has_validation:
            return Loaders(
                train, None, len(selection.events), facts, contents, source.event_classes
            )

        validation_source = self._open(config, "validation") if own_file else source
        chosen = self._select(
            config, validation_source, () if own_file else config.data.split, "validation"
        )
        if not len(chosen.events):
            raise InputError(
                f"data.split is {tuple(config.data.split)} and data.validation "
                f"{config.data.validation!r}: no event of the classes chosen is left for "
                "validation, give a larger share or file."
            )
        facts["validation"] = chosen.describe()
        if own_file:
            contents["data.validation"] = fingerprint(validation_source)
            facts["validation"] += self._shared(source, selection, validation_source, chosen)
        validation = Loader(
            validation_source, few_buckets(config.data), shuffle=False,
            batch_size=-(-every.batch_size // every.accumulate),
            events=chosen.events[spread_or_all(len(chosen.events), every.validation_events)],
            **common,
        )  # fmt: skip
        return Loaders(
            train, validation, len(selection.events), facts, contents, source.event_classes
        )

    def _open(self, config: ConfigDict, key: str) -> EventFile:
        source = open_events(config, key)
        classes = tuple(config.data.classes) or tuple(source.event_classes)
        if classes and len(classes) != config.model.num_classes:
            raise InputError(
                f"model.num_classes is {config.model.num_classes} but the events of {source.path} "
                f"are {', '.join(classes)}: set model.num_classes to {len(classes)}, or choose "
                "with data.classes."
            )
        for view in config.data.views:
            shape = source.view_shapes.get(view, ())
            if shape and len(shape) != config.model.dim:
                raise InputError(
                    f"data.views has {view!r}, whose images {shape} have {len(shape)} axes, but "
                    f"model.dim is {config.model.dim}: choose other views or set model.dim."
                )
        return source

    def _select(
        self, config: ConfigDict, source: EventFile, fractions: Any, part: str
    ) -> Selection:
        data = config.data
        # Views before classes: a file of another detector lacks both, and the views tell that.
        views = chosen_views(source, data)
        return select_events(
            source, views=views, classes=tuple(data.classes), fractions=fractions, part=part
        )

    def _shared(
        self, source: EventFile, selection: Selection, other: EventFile, chosen: Selection
    ) -> str:
        views = tuple(self.config.data.views)
        seen = content_hashes(source, views)[selection.events]
        shared = int(np.isin(content_hashes(other, views)[chosen.events], seen).sum())
        return f", {shared:,} of them with the pixels of a training event" if shared else ""

    def example(self) -> Batch:
        model = self.config.model
        return single_site(model, self.settings["levels"], model.views)

    def logits(self, outputs: dict[str, Any]) -> Float[Array, "slots classes"]:
        return outputs["event"]

    def labels(self, batch: Batch) -> Int[Array, " slots"]:
        return batch.labels

    def loss(self, logits: Float[Array, "slots classes"], batch: Batch) -> Float[Array, ""]:
        return self.event_loss(logits, batch.labels)

    def counts(self, batch: Batch) -> tuple[Int[Array, ""], Int[Array, ""]]:
        return jnp.sum(batch.labels >= 0), batch.num_active

    def scale_gradients(self, gradients: Any, sums: Sums) -> Any:
        number = jnp.maximum(sums.events, 1).astype(jnp.float32)
        return jax.tree.map(lambda gradient: gradient / number, gradients)
