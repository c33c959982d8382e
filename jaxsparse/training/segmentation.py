"""The task of labelling every pixel of one view."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Int
from ml_collections import ConfigDict

import jaxsparse
from jaxsparse import models
from jaxsparse.data.batching import Batch
from jaxsparse.data.event_file import EventFile
from jaxsparse.data.fingerprint import fingerprint
from jaxsparse.data.loader import Loader
from jaxsparse.data.pipeline import chosen_view
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

    @property
    def has_validation(self) -> bool:
        return bool(self.config.data.validation)

    def loaders(self, num_devices: int) -> Loaders:
        config, every = self.config, self.config.train
        source = self._open("train")
        validation_source = self._open("validation") if self.has_validation else None
        common: dict[str, Any] = dict(
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
                num_events=every.validation_events, **common,
            )  # fmt: skip
        images = " x ".join(map(str, train.spatial_shape))
        facts = {"data": f"{config.data.train}, view {config.data.view}, images {images}"}
        contents = {"data.train": fingerprint(source)}
        if validation_source is not None:
            contents["data.validation"] = fingerprint(validation_source)
        return Loaders(train, validation, len(source), facts, contents)

    def _open(self, key: str) -> EventFile:
        source = open_events(self.config, key)
        chosen_view(source, self.config.data)  # first: it tells a file of another detector
        if len(source.class_names) > self.config.model.num_classes:
            raise InputError(
                f"model.num_classes is {self.config.model.num_classes} but {source.path} has "
                f"{len(source.class_names)} classes: set model.num_classes to that."
            )
        return source

    def example(self) -> Batch:
        return single_site(self.config.model, self.settings["levels"])

    def inputs(
        self, batch: Batch
    ) -> tuple[tuple[jaxsparse.SparseTensor, ...], tuple[jaxsparse.Geometry, ...]]:
        x = batch.tensor()
        return (x,), (jaxsparse.geometry(x, **self.settings, capacities=batch.capacities),)

    def logits(self, outputs: dict[str, Any]) -> Float[Array, "sites classes"]:
        (logits,) = outputs["semantic"]
        return logits

    def labels(self, batch: Batch) -> Int[Array, " sites"]:
        return batch.labels

    def loss(self, logits: Float[Array, "sites classes"], batch: Batch) -> Float[Array, ""]:
        return weighted_cross_entropy(logits, batch.labels, batch.weights)

    def counts(self, batch: Batch) -> tuple[Int[Array, ""], Int[Array, ""]]:
        return batch.num_events, batch.num_active

    def scale_gradients(self, gradients: Any, sums: Sums) -> Any:
        return gradients


def single_site(model: ConfigDict, levels: int) -> Batch:
    """One event with one pixel, as the networks of a ``config.model`` see it; traceable."""
    one = jnp.ones((), jnp.int32)
    return Batch(
        coords=jnp.zeros((1, 1 + model.dim), jnp.int32),
        features=jnp.ones((1, model.in_channels), jnp.float32),
        labels=jnp.zeros(1, jnp.int32),
        weights=jnp.ones(1, jnp.float32),
        num_active=one,
        num_events=one,
        events=jnp.zeros(1, jnp.int32),
        spatial_shape=(2**levels,) * model.dim,
        batch_size=1,
        capacities=(1,) * levels,
    )
