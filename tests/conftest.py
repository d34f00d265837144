"""Puts this folder on the path, for the helpers that the tests share."""
