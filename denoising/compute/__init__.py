"""How networks are computed: backend, convolution by FFT, fused layers, measured choices."""
