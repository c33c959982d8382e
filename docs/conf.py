"""The site: ``sphinx-build -W docs site``."""

import jaxsparse

project = "jaxsparse"
version = release = jaxsparse.__version__
copyright = "the jaxsparse developers"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["images/**"]
html_theme = "furo"
html_title = "jaxsparse"

myst_heading_anchors = 4
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the signatures have them, and the docstrings say shapes and units
napoleon_use_ivar = True
napoleon_attr_annotations = False
