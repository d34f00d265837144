"""Imported once by the fork server, so that every trial starts warm."""

from deeper.training.processes import warm

warm()
