"""Plug-ins that add columns and drop nothing: `score.*`."""
