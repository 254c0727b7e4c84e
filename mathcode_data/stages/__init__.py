"""Plug-ins of the pipeline: one folder per family, one module per stage."""
