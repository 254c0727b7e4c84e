"""Arrange code for training: files of a repository in the order of their imports, and fill-in-the-middle."""
