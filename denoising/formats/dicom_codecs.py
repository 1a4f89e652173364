"""Compressed DICOM that pydicom leaves to further packages, decoded by imagecodecs.

pydicom calls what is here, by the names that its decoding plugins must have.
"""

from typing import TYPE_CHECKING

from pydicom import uid
from pydicom.pixels import get_decoder

if TYPE_CHECKING:
    from pydicom.pixels.decoders.base import DecodeRunner

JPEG = (uid.JPEGExtended12Bit, uid.JPEGLossless, uid.JPEGLosslessSV1)
JPEG_LS = (uid.JPEGLSLossless, uid.JPEGLSNearLossless)
HTJ2K = (uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K)
DECODER_DEPENDENCIES = dict.fromkeys((*JPEG, *JPEG_LS, *HTJ2K), ("imagecodecs",))


def is_available(syntax: str) -> bool:
    """Can this compression be decoded? imagecodecs is always there."""
    return syntax in DECODER_DEPENDENCIES


def decode_frame(content: bytes, runner: "DecodeRunner") -> bytes:
    """Decode one frame: its bytes, with the samples of a pixel together."""
    import imagecodecs

    syntax = runner.transfer_syntax
    if syntax in JPEG_LS:
        pixels = imagecodecs.jpegls_decode(content)
    elif syntax in HTJ2K:
        pixels = imagecodecs.htj2k_decode(content)
    else:
        pixels = imagecodecs.jpeg_decode(content)
    runner.set_option("bits_allocated", 8 * pixels.dtype.itemsize)
    if runner.samples_per_pixel > 1:
        runner.set_option("planar_configuration", 0)
    return pixels.tobytes()


def register() -> None:
    """Let pydicom know of the decoders here."""
    for syntax in DECODER_DEPENDENCIES:
        decoder = get_decoder(syntax)
        if "imagecodecs" not in decoder.available_plugins:
            decoder.add_plugin("imagecodecs", (__name__, "decode_frame"))
