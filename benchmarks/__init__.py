"""Measurements of jaxsparse beside other engines: ratios inside one run."""
