"""Trained networks depend on the paths and shapes of their parameters: those of recipes stay."""

import pytest

from tests.models.frozen import FOLDER, RECIPES, lines_of, model_of


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_network_of_a_recipe_has_the_parameters_that_it_was_frozen_with(recipe):
    frozen = (FOLDER / f"{recipe}.txt").read_text().splitlines()
    assert lines_of(model_of(recipe)) == frozen


def test_nothing_is_frozen_of_a_recipe_that_is_gone():
    assert sorted(path.stem for path in FOLDER.iterdir()) == RECIPES
