"""Trained networks at work: model files, image files, predictions."""
