"""Triton's Python backend for any model file that lies beside this module as ``model.pyz``.

A network of several views takes ``coords_VIEW`` and ``values_VIEW`` of each; ``config.pbtxt`` names
what it takes and gives.
"""

import sys
from pathlib import Path

import triton_python_backend_utils as pb_utils

sys.path.insert(0, str(Path(__file__).with_name("model.pyz")))
import jaxsparse_model


class TritonPythonModel:
    """An event a request; a mistake in one is the answer to that one alone."""

    def initialize(self, args):
        """Checks the file and compiles all of its programs, so that no request waits for that."""
        self.model = jaxsparse_model.load()
        self.model.compile_all()

    def execute(self, requests):
        """One response a request, in their order."""
        return [self._response(request) for request in requests]

    def _response(self, request):
        arrays = {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}
        try:
            scores = self.model(jaxsparse_model.event_of(arrays, self.model.views))
        except jaxsparse_model.ModelError as error:
            return pb_utils.InferenceResponse([], pb_utils.TritonError(str(error)))
        outputs = jaxsparse_model.arrays_of(scores, self.model.views)
        return pb_utils.InferenceResponse(
            [pb_utils.Tensor(name, rows) for name, rows in outputs.items()]
        )
