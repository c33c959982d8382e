"""Trains a network: ``jaxsparse train`` in a clone that is not installed."""

import sys

from jaxsparse.__main__ import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
