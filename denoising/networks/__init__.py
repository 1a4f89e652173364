"""Networks, one file each: see denoising/networks/base.py."""
