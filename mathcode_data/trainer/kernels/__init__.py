"""The model's operations, each with one file per implementation; `registry.py` finds them by folder."""
