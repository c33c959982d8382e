"""Training and file of a network that says of two fragments whether both are of one particle."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import safetensors.numpy

from jaxsparse import pretrained
from jaxsparse.errors import InputError, reason
from jaxsparse.inference.grouping import PairNetwork
from jaxsparse.inference.grouping.pair_network import HIDDEN
from jaxsparse.whole_file import whole_file

STEPS, BATCH, RATE = 2000, 2048, 3e-3
FORMAT = "jaxsparse-joiner-1"


@dataclasses.dataclass(frozen=True)
class Joiner(PairNetwork):
    """The network with its file.

    Attributes:
      classes: of pixels that it was trained with; none where an earlier version wrote the file.
      network: the fingerprint of the network that made its fragments, or ``""``
        (:func:`~jaxsparse.training.model_file.fingerprint_of`).
    """

    classes: tuple[str, ...] = ()
    network: str = ""

    @property
    def sha256(self) -> str:
        """Of its arrays, 64 hexadecimal digits."""
        return hashlib.sha256(safetensors.numpy.save(self.arrays)).hexdigest()

    def write(self, path: str | os.PathLike[str]) -> None:
        """Writes it to a file of its own."""
        with whole_file(path, "out") as partial:
            said = {"classes": json.dumps(self.classes), "network": self.network}
            data = safetensors.numpy.save(self.arrays, {"format": FORMAT, **said})
            partial.write_bytes(_in_order(data))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Joiner:
        """That of a file, or of a network that comes with jaxsparse.

        Args:
          path: of the file, or a name of :func:`jaxsparse.pretrained.joiners`.

        Raises:
          InputError: no such file or name, or a file of another kind.
        """
        if pretrained.may_be_name(str(path)) and not Path(path).exists():
            path = pretrained.joiner_of(str(path))
        if not Path(path).is_file():
            raise InputError(
                f"joiner is {path}: there is no such file, check the path, or give a name, of "
                f"{', '.join(pretrained.joiners())}"
            )
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise InputError(
                f"joiner is {path}, which cannot be read ({reason(error)}): see to that"
            ) from None
        try:
            header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
            said = header["__metadata__"]
            if said["format"] != FORMAT:
                raise ValueError("another format")
            classes = tuple(map(str, json.loads(said.get("classes", "[]"))))
            arrays = safetensors.numpy.load(data)
            if {name: array.shape for name, array in arrays.items()} != _shapes(
                len(arrays["mean"])
            ):
                raise ValueError("other arrays than a joiner has")
        except (ValueError, LookupError, TypeError, safetensors.SafetensorError):
            raise InputError(
                f"joiner is {path}, which is damaged or no joiner's file: copy it again, or train "
                "one, python -m jaxsparse.evaluation.studies.joiner --help"
            ) from None
        return cls(arrays, classes, str(said.get("network", "")))


def _in_order(data: bytes) -> bytes:
    """A safetensors file with the entries of its metadata in order: the library draws one."""
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    said = json.dumps(header, separators=(",", ":")).encode()
    said = said.ljust(-(-len(said) // 8) * 8)
    return len(said).to_bytes(8, "little") + said + data[start:]


def _shapes(features: int) -> dict[str, tuple[int, ...]]:
    """Of the arrays of a joiner, by name."""
    shapes: dict[str, tuple[int, ...]] = {"mean": (features,), "scale": (features,)}
    for layer, sizes in enumerate(itertools.pairwise((features, *HIDDEN, 1))):
        shapes |= {f"weight_{layer}": sizes, f"bias_{layer}": sizes[1:]}
    return shapes


def train_joiner(
    features: np.ndarray, labels: np.ndarray, seed: int = 0, *, steps: int = STEPS
) -> Joiner:
    """Fits a joiner by the binary cross entropy; the same pairs and seed give the same one.

    Args:
      features: float ``[pairs, features]``, at least one pair.
      labels: bool ``[pairs]``, of one particle.
      seed: of the first weights and of the batches.
      steps: of Adam, with a cosine to 0.
    """
    mean, scale = features.mean(0), features.std(0) + 1e-3
    scaled = ((features - mean) / scale).astype(np.float32)
    rng = np.random.default_rng(seed)
    sizes = (features.shape[1], *HIDDEN, 1)
    params = {}
    for layer, (inner, outer) in enumerate(itertools.pairwise(sizes)):
        params[f"weight_{layer}"] = rng.normal(0, np.sqrt(2 / inner), (inner, outer)).astype("f4")
        params[f"bias_{layer}"] = np.zeros(outer, np.float32)
    optimizer = optax.adam(optax.cosine_decay_schedule(RATE, steps))

    def loss(params: dict[str, jax.Array], x: jax.Array, y: jax.Array) -> jax.Array:
        for layer in range(len(HIDDEN)):
            x = jax.nn.relu(x @ params[f"weight_{layer}"] + params[f"bias_{layer}"])
        logits = (x @ params[f"weight_{len(HIDDEN)}"] + params[f"bias_{len(HIDDEN)}"])[:, 0]
        return jnp.mean(optax.sigmoid_binary_cross_entropy(logits, y))

    @jax.jit
    def step(params, state, x, y):
        updates, state = optimizer.update(jax.grad(loss)(params, x, y), state, params)
        return optax.apply_updates(params, updates), state

    state = optimizer.init(params)
    for _ in range(steps):
        rows = rng.integers(0, len(labels), BATCH)
        params, state = step(params, state, scaled[rows], labels[rows].astype(np.float32))
    arrays = {name: np.asarray(array, np.float32) for name, array in params.items()}
    return Joiner({**arrays, "mean": mean.astype(np.float32), "scale": scale.astype(np.float32)})
