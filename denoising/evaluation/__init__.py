"""Measures of denoised images, and the filters that need no training."""
