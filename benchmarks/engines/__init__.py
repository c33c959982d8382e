"""One module an engine; each runs in a process of its own, :mod:`benchmarks.engines.serve`.

A module has ``set_up(threads, cache)``, called first, which returns versions; ``check()``, which
fails unless it computes what it should; and ``prepare(case, workload, parameters)``, which returns
a :class:`benchmarks.engines.cases.Call`. jaxsparse's also has ``write_parameters(path, dim)``.
"""
