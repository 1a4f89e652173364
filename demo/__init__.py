"""The live demo: draw, add noise, watch it being cleaned. `make demo`"""
