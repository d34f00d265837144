"""Hydra plugins of Deeper: the slots launcher and the study sweeper."""
