"""A program with two worker processes, to be killed: prints their ids and waits."""

import time

from jaxsparse.data.worker_processes import WorkerProcesses


def main() -> None:
    workers: WorkerProcesses[int, int] = WorkerProcesses(abs, 2, remedy="use fewer")
    assert list(workers.map([-1, -2])) == [1, 2]
    print(*workers.pids, flush=True)
    time.sleep(600)


if __name__ == "__main__":
    main()
