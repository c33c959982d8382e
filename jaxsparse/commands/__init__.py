"""Programs above the rest of the package: flags to one call."""
