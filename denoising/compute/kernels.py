"""Which kernels TensorFlow computes with: to be chosen before it is imported."""

import os
import platform
from pathlib import Path

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
# oneDNN's own variable: the instructions that it uses at most, of those that a processor has
MOST = "ONEDNN_MAX_CPU_ISA"
_AVX512 = "AVX512_CORE"
_WITHOUT_BFLOAT16 = (_AVX512, f"{_AVX512}_VNNI")


def choose(single_images: bool = False) -> None:
    """Take oneDNN's, unless the user has said otherwise.

    TensorFlow does so itself where a processor has AVX-512. On others they are faster too, most of
    all the matrix products that large kernels become, but slower for a training on one large image:
    benchmarks/onednn.md.

    Parameters
    ----------
    single_images : bool
        Is the work of this process the training on one image at a time?
    """
    if _is_x86():
        is_slower = single_images and not _has_avx512()
        os.environ.setdefault(ONEDNN, "0" if is_slower else "1")


def are_onednn_for_avx2() -> bool:
    """Are they those that oneDNN has for processors without AVX-512?"""
    return _is_x86() and os.environ.get(ONEDNN) == "1" and not _has_avx512()


def _is_x86() -> bool:
    return platform.machine() in ("x86_64", "AMD64")


def has_bfloat16() -> bool:
    """Does the processor compute in bfloat16? Elsewhere it is emulated, slower than float32."""
    found = {"avx512_bf16", "amx_bf16"} & set(cpu_info("flags").split())
    return bool(found) and _has_avx512() and limit() not in _WITHOUT_BFLOAT16


def _has_avx512() -> bool:
    is_limited = limit() and not limit().startswith(_AVX512)
    return "avx512f" in cpu_info("flags").split() and not is_limited


def limit() -> str:
    """What the user allows oneDNN at most, such as "AVX2"; "": all that the processor has."""
    said = os.environ.get(MOST, "").upper()
    return "" if said in ("ALL", "DEFAULT") else said


def cpu_info(key: str) -> str:
    """A line of the first processor's description; "" where there is none."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return ""
    return next(
        (line.partition(":")[2].strip() for line in lines if line.lower().startswith(key)), ""
    )
