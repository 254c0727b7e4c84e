"""Mixtures: exact token budgets per source as small index files, in closed form (reference/formats.md, section 7)."""
