import os
import time

import pytest

from jaxsparse.data.worker_processes import AHEAD
from jaxsparse.errors import InputError
from jaxsparse.simulate.parallel import all_cores, ordered_map


def slow_square(number):
    time.sleep(0.02 * (number % 2 == 0))  # the first of two comes last
    return number * number


def fail_at_three(number):
    if number == 3:
        raise ValueError("three")
    return number


def die(number):
    os._exit(1)


def test_results_come_in_order_and_not_far_ahead():
    read = []

    def items():
        for number in range(30):
            read.append(number)
            yield number

    results = ordered_map(slow_square, items(), workers=2)
    assert next(results) == 0
    assert len(read) <= 2 * AHEAD + 1
    assert list(results) == [n * n for n in range(1, 30)]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failure_in_a_worker_is_raised_here(workers):
    with pytest.raises(ValueError, match="three"):
        list(ordered_map(fail_at_three, range(6), workers=workers))


def test_a_killed_worker_is_one_line():
    with pytest.raises(InputError, match="2 worker processes died"):
        list(ordered_map(die, range(3), workers=2))


def test_there_is_at_least_one_core():
    assert all_cores() >= 1
