"""The files and untrained networks of the tests of evaluation."""

from tests.evaluation.conftest import plain_file, tiny_config, truth_file, workdir  # noqa: F401
