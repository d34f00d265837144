"""Hydra plugins of Deeper for light verbs: jobs in this process, one table at the end."""
