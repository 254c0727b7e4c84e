"""Doors to other tool sets: blocks of theirs as stages of a pipeline file, and stages of ours as blocks of theirs."""
