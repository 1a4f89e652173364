"""Where images come from, one file each: see denoising/sources/base.py."""
