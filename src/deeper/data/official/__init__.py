"""Readers of official releases: each knows one release's files, its split and its classes, and decodes no picture."""
