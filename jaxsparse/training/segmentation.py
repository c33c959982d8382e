"""The task of labelling every pixel of one view."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Int
from ml_collections import ConfigDict

from jaxsparse import models
from jaxsparse.data.batch import Batch, ViewBatch
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.fingerprint import fingerprint
from jaxsparse.data.loader import Loader
from jaxsparse.data.pipeline import chosen_views
from jaxsparse.data.spread_out import spread_or_all
from jaxsparse.errors import InputError
from jaxsparse.training.losses import weighted_cross_entropy
from jaxsparse.training.metrics import Sums
from jaxsparse.training.task import Loaders, few_buckets, open_events


class Segmentation:
    """Cross entropy of the pixels times their weights, summed over pixels and events.

    The sum is what is descended: the weights already say how much a pixel counts.

    Raises:
      InputError: options of the loss that are for whole events.
    """

    def __init__(self, config: ConfigDict):
        self.config = config
        self.settings = models.geometry_of(config.model)
        loss = config.loss
        if loss.name != "cross_entropy" or loss.label_smoothing or loss.class_weights:
            raise InputError(
                f"loss.name is {loss.name!r}, loss.label_smoothing {loss.label_smoothing} and "
                f"loss.class_weights {tuple(loss.class_weights)}: a segmentation has cross_entropy "
                "without either, leave them out or set task=classification."
            )
        if len(config.data.views) != 1:
            raise InputError(
                f"data.views is {tuple(config.data.views)}: this network labels the pixels of one "
                "view, name one."
            )

    @property
    def has_validation(self) -> bool:
        return bool(self.config.data.validation)

    def loaders(self, num_devices: int) -> Loaders:
        config, every = self.config, self.config.train
        source = self._open("train")
        validation_source = self._open("validation") if self.has_validation else None
        common: dict[str, Any] = dict(
            targets=("labels", "weights"),
            loss=config.loss,
            num_devices=num_devices,
            levels=self.settings["levels"],
            seed=config.seed,
        )
        train = Loader(
            source, config.data, shuffle=True, batch_size=every.batch_size,
            micro_batches=every.accumulate, **common,
        )  # fmt: skip
        validation = None
        if validation_source is not None:
            validation = Loader(
                validation_source, few_buckets(config.data), shuffle=False,
                batch_size=-(-every.batch_size // every.accumulate),
                events=spread_or_all(len(validation_source), every.validation_events), **common,
            )  # fmt: skip
        images = " x ".join(map(str, train.pipeline.shapes[0]))
        facts = {"data": f"{config.data.train}, view {config.data.views[0]}, images {images}"}
        contents = {"data.train": fingerprint(source)}
        if validation_source is not None:
            contents["data.validation"] = fingerprint(validation_source)
        return Loaders(train, validation, len(source), facts, contents)

    def _open(self, key: str) -> EventFile:
        source = open_events(self.config, key)
        chosen_views(source, self.config.data)  # first: it tells a file of another detector
        if len(source.class_names) > self.config.model.num_classes:
            raise InputError(
                f"model.num_classes is {self.config.model.num_classes} but {source.path} has "
                f"{len(source.class_names)} classes: set model.num_classes to that."
            )
        return source

    def example(self) -> Batch:
        return single_site(self.config.model, self.settings["levels"])

    def logits(self, outputs: dict[str, Any]) -> Float[Array, "sites classes"]:
        (logits,) = outputs["semantic"]
        return logits

    def labels(self, batch: Batch) -> Int[Array, " sites"]:
        return batch.views[0].targets["labels"]

    def loss(self, logits: Float[Array, "sites classes"], batch: Batch) -> Float[Array, ""]:
        targets = batch.views[0].targets
        return weighted_cross_entropy(logits, targets["labels"], targets["weights"])

    def counts(self, batch: Batch) -> tuple[Int[Array, ""], Int[Array, ""]]:
        return batch.num_events, batch.num_active

    def scale_gradients(self, gradients: Any, sums: Sums) -> Any:
        return gradients


def single_site(model: ConfigDict, levels: int, views: int = 1) -> Batch:
    """One event with one pixel a view, as the networks of a ``config.model`` see it; traceable."""
    one = jnp.ones((), jnp.int32)
    view = ViewBatch(
        coords=jnp.zeros((1, 1 + model.dim), jnp.int32),
        features=jnp.ones((1, model.in_channels), jnp.float32),
        num_active=one,
        targets={"labels": jnp.zeros(1, jnp.int32), "weights": jnp.ones(1, jnp.float32)},
        spatial_shape=(2**levels,) * model.dim,
        batch_size=1,
        capacities=(1,) * levels,
    )
    zero = jnp.zeros(1, jnp.int32)
    return Batch(views=(view,) * views, labels=zero, events=zero, num_events=one)
