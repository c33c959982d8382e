"""``python -m jaxsparse COMMAND``, which ``pip install`` also gives the name ``jaxsparse``."""

from jaxsparse.commands.program import main

if __name__ == "__main__":
    main()
