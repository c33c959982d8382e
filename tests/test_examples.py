"""The example of a server: its model answers, and its configuration names what the model has."""

import importlib.util
import re
import shutil
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jaxsparse.deploy.artefact import write_artefact
from jaxsparse.deploy.standalone import load
from tests.deploy.networks import drawn, pixel_config

FOLDER = Path(__file__).parents[1] / "examples/triton/sparsessnet_y"


def imported(path, name):
    spec: Any = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A repository of models as Triton has it."""
    folder = tmp_path_factory.mktemp("models") / "sparsessnet_y"
    shutil.copytree(FOLDER, folder)
    write_artefact(folder / "1/model.pyz", drawn(pixel_config()), shapes=[(32, 32)], sites=(64,))
    return folder


@pytest.fixture
def utilities(monkeypatch):
    """What the server gives a model to import, as far as the example uses it."""

    class Tensor:
        def __init__(self, name, array):
            self.name, self.as_numpy = lambda: name, lambda: array

    def response(output_tensors, error=None):
        return types.SimpleNamespace(output_tensors=output_tensors, error=error)

    module: Any = types.ModuleType("triton_python_backend_utils")
    module.Tensor, module.InferenceResponse, module.TritonError = Tensor, response, str
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield module
    for name in [name for name in sys.modules if name.partition(".")[0] == "jaxsparse_model"]:
        del sys.modules[name]


def test_the_server_answers_every_request_by_itself(folder, utilities):
    model = imported(folder / "1/model.py", "served").TritonPythonModel()
    model.initialize({})

    def request(coords, values):
        arrays = {"coords": np.array(coords, np.int32), "values": np.array(values, np.float32)}
        tensors = [utilities.Tensor(name, array) for name, array in arrays.items()]
        return types.SimpleNamespace(inputs=lambda: tensors)

    good = [[3, 1], [2, 2], [0, 4]], [20, 5, 50]
    first, bad, last = model.execute([request(*good), request([[99, 1]], [20]), request(*good)])
    assert "export it with a larger --shape" in bad.error
    expected = load(folder / "1/model.pyz")(good).pixels["Y"]
    for response in (first, last):
        (tensor,) = response.output_tensors
        assert response.error is None
        assert tensor.name() == "pixel_scores"
        np.testing.assert_array_equal(tensor.as_numpy(), expected)


def test_the_configuration_names_what_the_model_takes_and_gives(folder):
    text = (folder / "config.pbtxt").read_text()
    manifest = load(folder / "1/model.pyz").manifest
    dim, classes = len(manifest["views"][0]["shape"]), len(manifest["classes"]["semantic"])
    found = re.findall(r'name: "(\w+)"\s+data_type: (\w+)\s+dims: \[ ([-\d, ]+) \]', text)
    assert found == [
        ("coords", "TYPE_INT32", f"-1, {dim}"),
        ("values", "TYPE_FP32", "-1"),
        ("pixel_scores", "TYPE_FP32", f"-1, {classes}"),
    ]
    assert 'backend: "python"' in text
    assert f'name: "{folder.name}"' in text  # as Triton demands


def test_the_client_sends_what_the_configuration_names(folder, monkeypatch):
    sent = {}

    class InferInput:
        def __init__(self, name, shape, datatype):
            self.about = name, shape, datatype

        def set_data_from_numpy(self, array):
            sent[self.about[0]] = *self.about[1:], array

    class InferenceServerClient:
        def __init__(self, address):
            assert address == "localhost:8000"

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def infer(self, name, inputs):
            assert name == folder.name
            arrays = {"pixel_scores": load(folder / "1/model.pyz")(self.event(inputs)).pixels["Y"]}
            return types.SimpleNamespace(as_numpy=arrays.get)

        @staticmethod
        def event(inputs):
            return sent["coords"][2], sent["values"][2]

    http: Any = types.ModuleType("tritonclient.http")
    http.InferInput, http.InferenceServerClient = InferInput, InferenceServerClient
    package: Any = types.ModuleType("tritonclient")
    package.http = http
    monkeypatch.setitem(sys.modules, "tritonclient", package)
    monkeypatch.setitem(sys.modules, "tritonclient.http", http)
    client = imported(FOLDER.parent / "client.py", "client")
    found = client.scores("localhost:8000", np.array([[3, 1], [2, 2]]), np.array([20.0, 5.0]))
    assert sent["coords"][:2] == ([2, 2], "INT32")
    assert sent["values"][:2] == ([2], "FP32")
    assert np.isnan(found).tolist() == [[False] * 5, [True] * 5]
