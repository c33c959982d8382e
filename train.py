"""Trains a network: ``jaxsparse train`` in a clone that is not installed."""

import sys

from jaxsparse.commands.program import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
