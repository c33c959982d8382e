"""``metrics.jsonl``: fixed keys, JSON that others can read, and no step twice."""

import json
import math

from jaxsparse.training.display import Display
from jaxsparse.training.logs import MetricsLog, Record, read_records

KEYS = [
    "step", "split", "loss", "accuracy", "learning_rate", "events_per_second", "sites_per_second",
    "compilations",
]  # fmt: skip


def record(step: int, split: str = "train", loss: float = 0.25) -> Record:
    return Record(step, split, loss, math.nan, 0.1, 8.0, 1e4, 2)


def test_a_line_has_the_agreed_keys_and_null_for_what_json_cannot_hold(tmp_path) -> None:
    log = MetricsLog(tmp_path)
    log.write(record(3))
    log.close()
    (line,) = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert list(json.loads(line)) == KEYS
    assert json.loads(line)["accuracy"] is None


def test_a_resumed_run_drops_the_lines_of_steps_that_it_repeats(tmp_path) -> None:
    log = MetricsLog(tmp_path)
    for step in (10, 20, 30):
        log.write(record(step))
    log.close()
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 40, "spl')  # cut short by a crash
    log = MetricsLog(tmp_path, resume_at=20)
    log.write(record(30, loss=0.5))
    log.close()
    assert [(r["step"], r["loss"]) for r in read_records(tmp_path)] == [
        (10, 0.25), (20, 0.25), (30, 0.5),
    ]  # fmt: skip


def test_a_new_run_starts_an_empty_log(tmp_path) -> None:
    (tmp_path / "metrics.jsonl").write_text(record(5).to_json() + "\n")
    MetricsLog(tmp_path).close()
    assert read_records(tmp_path) == []


def test_without_a_terminal_records_are_printed_line_by_line(capsys) -> None:
    with Display(total=100, start=0) as display:
        display.advance(
            10, loss=1, accuracy=0.5, learning_rate=0.1, events_per_second=3,
            sites_per_second=9, seconds_left=61,
        )  # fmt: skip
        display.record(record(10))
        display.record(record(10, "validation"))
    compiling, first, second = capsys.readouterr().out.splitlines()
    assert compiling == "compiling the first step, seconds to minutes"
    assert first.startswith("step 10/100 train: loss 0.25")
    assert first.endswith("left 1:01 without compiling")
    assert second.startswith("step 10/100 validation: loss 0.25")


def test_of_a_run_that_is_finished_no_compilation_is_told(capsys) -> None:
    with Display(total=100, start=100) as display:
        display.say("all steps done")
    assert capsys.readouterr().out == "all steps done\n"
