"""Removing from the corpus what stands in a benchmark."""
