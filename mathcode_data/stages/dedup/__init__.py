"""Removing duplicates: exact ones by hash, near ones by MinHash. Needs all documents at once."""
