"""What a training run survives: kills, signals and faults, each shown by a real ``train.py``.

``python -m benchmarks.kills --times=56`` runs everything; ``docs/reliability.md`` holds the table.
A run that was disturbed and repeated must end like one that was not: the same state to the bit, the
same lines in its log, nothing left lying about (:mod:`benchmarks.kills.compare`).
"""
