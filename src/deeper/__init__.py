"""Deeper: is deeper better? A reproducible study suite for convnet architectures."""

__version__ = "0.1.0"
