"""What a GPU gives: equality with the CPU, times, memory and training in one run of ten minutes.

``python -m benchmarks.accelerator --out=DIR`` runs the plan of ``plan.py``, one step after the
other; ``journal.py`` keeps what came out. ``docs/performance.md`` says how to read it.
"""
