"""The files and untrained networks of the tests of evaluation, and runs of ``predict``."""

from tests.deploy.predicting import network, quick, undisturbed  # noqa: F401
from tests.evaluation.conftest import (  # noqa: F401
    classifier,
    classifier_config,
    event_file,
    eventless_file,
    plain_file,
    tiny_config,
    truth_file,
    workdir,
)
