"""Asks a Triton server for the scores of an event: ``python client.py pixels.npz``.

Needs ``pip install tritonclient[http]``; the file has ``coords`` and ``values``.
"""

import sys

import numpy as np
import tritonclient.http as triton


def scores(address: str, coords: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Scores ``[pixels, classes]`` from the server at an address, such as ``localhost:8000``."""
    inputs = []
    for name, kind, array in (
        ("coords", "INT32", coords.astype(np.int32)),
        ("values", "FP32", values.astype(np.float32)),
    ):
        inputs.append(triton.InferInput(name, list(array.shape), kind))
        inputs[-1].set_data_from_numpy(array)
    with triton.InferenceServerClient(address) as client:
        return client.infer("sparsessnet_y", inputs).as_numpy("pixel_scores")


if __name__ == "__main__":
    with np.load(sys.argv[1]) as pixels:
        found = scores("localhost:8000", pixels["coords"], pixels["values"])
    print(f"{len(found)} pixels, {np.isnan(found[:, 0]).sum()} of them outside of the mask")
    print("of each class:", np.bincount(found[~np.isnan(found[:, 0])].argmax(1), minlength=5))
