"""The files and untrained networks of the tests of evaluation."""

from tests.evaluation.conftest import (  # noqa: F401
    classifier,
    classifier_config,
    event_file,
    plain_file,
    tiny_config,
    truth_file,
    workdir,
)
