"""Fit one network, with checkpoints that survive a kill."""
