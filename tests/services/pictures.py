"""Real pictures, and some that are meant to hurt, made with Pillow and by hand."""

import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any

from PIL import Image

# The corners of a picture by which its orientation can be told.
RED, GREEN, BLUE, WHITE = (220, 20, 20), (20, 200, 20), (20, 20, 220), (250, 250, 250)
UPSIDE = 0x0112  # EXIF: how the camera was held.
GPS = 0x8825


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def corners(width: int = 64, height: int = 48) -> Image.Image:
    """Four plain quarters: red and green above blue and white."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    image.paste(WHITE, (width // 2, height // 2, width, height))
    return image


def photo(seed: int = 0, width: int = 64, height: int = 48) -> bytes:
    """A small JPEG; every seed another one."""
    image = corners(width, height)
    image.putpixel((width // 4, height // 4), (seed % 256, seed // 256 % 256, 128))
    image.paste((seed % 256, seed * 7 % 256, seed * 13 % 256), (4, 4, 20, 20))
    return encoded(image, "JPEG", quality=95)


def photo_of_size(size: int) -> bytes:
    """A real JPEG of exactly so many bytes: a noisy one, filled up with comments."""
    side = max(64, int((size * 0.9) ** 0.5))
    data = encoded(Image.effect_noise((side, side), 60).convert("RGB"), "JPEG", quality=60)
    assert len(data) + 4 <= size, (len(data), size)
    filling = size - len(data)
    segments = []
    while filling:
        length = min(filling, 60_000)
        if 0 < filling - length < 4:
            length -= 4
        segments.append(b"\xff\xfe" + struct.pack(">H", length - 2) + b"x" * (length - 4))
        filling -= length
    return data[:2] + b"".join(segments) + data[2:]


def with_secrets(image: Image.Image, orientation: int = 1) -> bytes:
    """A JPEG that tells where, when and with what it was taken, in every way a JPEG can."""
    exif = Image.Exif()
    exif[UPSIDE] = orientation
    exif[0x010F] = "SECRET-MAKER"
    exif[0x9003] = "2026:11:23 10:00:00"
    exif.get_ifd(GPS).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>SECRET-XMP</x:xmpmeta>"
    return encoded(image, "JPEG", quality=95, exif=exif, xmp=xmp, comment=b"SECRET-COMMENT")


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, rows: int) -> bytes:
    """A PNG of zeros that says how large it is and holds only some of its rows."""
    packer = zlib.compressobj(9)
    row = b"\0" * (width * 3 + 1)
    packed = b"".join(packer.compress(row) for _ in range(rows)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def animated(kind: str) -> bytes:
    frames: Sequence[Image.Image] = [corners().transpose(Image.Transpose.ROTATE_180)]
    return encoded(corners(), kind, save_all=True, append_images=frames)


def is_near(pixel: Any, colour: tuple[int, int, int], tolerance: int = 30) -> bool:
    return all(abs(one - other) <= tolerance for one, other in zip(pixel, colour, strict=True))


def quarters(data: bytes) -> list[str]:
    """Name the colours in the middle of the quarters of a picture, row by row."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    width, height = image.size
    names = {"red": RED, "green": GREEN, "blue": BLUE, "white": WHITE}
    return [
        next((name for name, colour in names.items() if is_near(pixel, colour)), str(pixel))
        for y in (height // 4, height * 3 // 4)
        for x in (width // 4, width * 3 // 4)
        for pixel in [image.getpixel((x, y))]
    ]
