"""Evaluates a trained network: ``jaxsparse eval`` in a clone that is not installed."""

import sys

from jaxsparse.__main__ import main

if __name__ == "__main__":
    main(["eval", *sys.argv[1:]])
