"""A damaged model file is refused in one line; ``python -m tests.fuzz.artefact`` goes on longer."""

import numpy as np
import pytest

from jaxsparse.deploy.artefact import write_artefact
from tests.deploy.networks import drawn, pixel_config
from tests.fuzz import artefact


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artefact")
    write_artefact(folder / "whole.pyz", drawn(pixel_config()), shapes=[(32, 32)], sites=(64,))
    np.savez(folder / "in.npz", coords=[[1, 2]], values=[20.0])
    return folder


@pytest.mark.parametrize("damage", artefact.DAMAGES)
def test_damage_is_one_line(folder, damage):
    rng, data = np.random.default_rng(3), (folder / "whole.pyz").read_bytes()
    path = folder / "model.pyz"
    for number in range(40):
        changed = damage(rng, data)
        if changed == data:
            continue
        path.write_bytes(changed)
        assert "copy it again" in artefact.refusal(path)
        if number < 2:
            artefact.refusal_of_the_command(path, folder / "in.npz", data)
