"""Plug-ins that drop documents by what `score.*` measured: `select.*`."""
