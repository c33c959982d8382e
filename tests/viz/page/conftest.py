"""What of this folder holds no tests."""

collect_ignore = ["browser.py"]  # a program, which needs a browser to be loaded
