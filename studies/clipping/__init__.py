"""Why Noise2Noise comes out worse from clipped images, and what helps.

`make study` runs it; report.md has the numbers, docs/why-noise2noise.md what they mean.
"""
