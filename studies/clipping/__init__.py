"""Why Noise2Noise comes out worse from clipped images, and what helps: `make study`, report.md, docs/why-noise2noise.md."""
