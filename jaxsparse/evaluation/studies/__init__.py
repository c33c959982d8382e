"""What is asked beside an evaluation, or around it: baselines, what explains a confusion, folds.

A study looks at more than the rows of a pass: it reads the data set by itself, fits something else
to it, or trains networks. Those that belong into every report are metrics to the pass.
"""
