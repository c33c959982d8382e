"""A program with two worker processes, to be killed: prints their ids and waits."""

import time

from jaxsparse.data.worker_processes import WorkerProcesses


def main() -> None:
    workers: WorkerProcesses[int, int] = WorkerProcesses(abs, 2, remedy="use fewer")
    assert workers(-1) == 1
    print(*(workers._idle.get()[0].pid for _ in range(2)), flush=True)
    time.sleep(600)


if __name__ == "__main__":
    main()
