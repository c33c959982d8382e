"""Six kills aimed at the worst moments of a run lose nothing; the harness sees what is wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from benchmarks.kills.compare import differences
from benchmarks.kills.disturb import Kills
from benchmarks.kills.moments import Moment
from benchmarks.kills.place import Place
from benchmarks.kills.process import Ending
from benchmarks.kills.scenarios import TERMINATE, Scenario
from tests.toy_events import write_toy_file

SETTINGS = {
    "model.depth": 1, "train.steps": 23, "train.accumulate": 2, "optimizer.schedule": "plateau",
}  # fmt: skip
RUN = Scenario("run", "", "segmentation", SETTINGS)
BEGUN = Scenario("begun", "", "segmentation", SETTINGS | {"seed": 5}, begins_with=RUN)

# A save has about 32 operations on files; the first is that of step 5. Numbers count from a start.
IN_THE_FIRST_SAVE = Moment("save", 14)
IN_A_DELETION = Moment("remove", 40)
AT_A_RENAME = Moment("rename", 9)
AT_THE_LOG = Moment("log", 2)
STOPPED = Moment("log", 1, TERMINATE)
IN_SET_UP = Moment("time", 1.0)


@pytest.fixture(scope="module")
def kills(tmp_path_factory: pytest.TempPathFactory) -> Kills:
    folder = tmp_path_factory.mktemp("kills")
    files = write_toy_file(folder / "t.h5", 24, seed=1), write_toy_file(folder / "v.h5", 6, seed=2)
    return Kills(Place(folder, {"segmentation": files}), thorough=False)


def test_a_run_that_is_killed_and_stopped_ends_like_one_that_is_not(kills):
    moments = [
        IN_THE_FIRST_SAVE, AT_THE_LOG, STOPPED, IN_A_DELETION, IN_SET_UP, AT_A_RENAME,
    ]  # fmt: skip
    outcome = kills.disturb(RUN, iter(moments), times=5)
    assert outcome.problems == []
    assert outcome.ended == {"SIGKILL": 5, "SIGTERM": 1}
    assert outcome.unfinished >= 2  # otherwise they were not aimed well


def test_a_run_killed_in_its_first_save_begins_again_from_the_parameters_given(kills):
    outcome = kills.disturb(BEGUN, iter([IN_THE_FIRST_SAVE]), times=1)
    assert outcome.problems == []
    assert outcome.unfinished == 1


def test_the_harness_names_what_differs(kills, tmp_path):
    reference, other = kills.reference(RUN), kills.reference(BEGUN)
    assert differences(reference, reference) == []
    arrays = [line for line in differences(other, reference) if line.startswith("array ")]
    assert arrays

    copy = tmp_path / "copy"
    shutil.copytree(reference, copy)
    _edit_log(copy, lambda records: records[0].update(loss=7.0))
    (copy / "checkpoints" / "12.old").mkdir()
    first, second = differences(copy, reference)
    assert first.startswith("log: step 6 validation: loss 7.0 instead of")
    assert second == "left behind: checkpoints/12.old"

    _edit_log(copy, lambda records: records[0].update(step=5))
    found = differences(copy, reference)
    assert found[:2] == [
        "log: a validation line of step 5 too many",
        "log: no validation line of step 6",
    ]


@pytest.mark.parametrize(
    ("status", "errors", "clear"),
    [
        (2, "error: the disk is full\n", True),
        (1, "error: the disk is full\n", False),
        (2, "Traceback ...\nerror: the disk is full\n", False),
        (2, "", False),
        (None, "error: the disk is full\n", False),
    ],
)
def test_a_clear_refusal_is_one_line_and_status_2(status, errors, clear):
    assert Ending(status, 1.0, "", errors).one_line == clear


def _edit_log(workdir: Path, edit) -> None:
    log = workdir / "metrics.jsonl"
    records = [json.loads(line) for line in log.read_text().splitlines()]
    edit(records)
    log.write_text("".join(json.dumps(record) + "\n" for record in records))
