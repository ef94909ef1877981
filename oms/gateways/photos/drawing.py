"""The program that reads one picture and draws it anew; runs in a process of its own.

It trusts its limits, not the picture: before it looks at a byte it gives up memory, time, and the
right to open anything at all. The picture comes on standard input; on standard output go one line
of JSON, either {"problem": word} or {"width": ..., "height": ...}, and then the JPEG. Started by
path with `python -I`, it imports Pillow and nothing of ours.
"""

import io
import json
import os
import resource
import sys
import warnings
from typing import Any

from PIL import (
    Image,
    ImageCms,
    ImageOps,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

# Pillow would load them when they are needed, but then nothing can be opened any more.
READERS = (JpegImagePlugin, MpoImagePlugin, PngImagePlugin, WebPImagePlugin)
FORMATS = ("JPEG", "PNG", "WEBP")
# A JPEG may carry a smaller copy of itself or a map of brightness behind it, which cameras do.
STILL = ("JPEG", "MPO")
QUALITIES = (90, 80, 65, 50, 30)  # The first whose result is small enough is taken.
NICENESS = 10  # Calls of others go first.


class PictureProblem(Exception):
    """The picture is not taken; holds the word for it."""


def main() -> None:
    """Read, draw, write."""
    limits = json.loads(sys.argv[1])
    Image.preinit()
    _give_up_rights(limits)
    data = sys.stdin.buffer.read(limits["input_bytes"] + 1)
    try:
        picture = _draw(data, limits)
        drawn = _encode(picture, limits)
    except PictureProblem as problem:
        _answer({"problem": str(problem)}, b"")
    except MemoryError:
        _answer({"problem": "PHOTO_TOO_COMPLEX"}, b"")
    except Exception:  # noqa: BLE001 - whatever Pillow raises, it is the picture's doing.
        _answer({"problem": "PHOTO_UNREADABLE"}, b"")
    else:
        _answer({"width": picture.width, "height": picture.height}, drawn)


def _give_up_rights(limits: dict[str, Any]) -> None:
    os.nice(NICENESS)
    # No open, no socket: only the three files that are open already.
    for what, value in (
        (resource.RLIMIT_AS, limits["memory_bytes"]),
        (resource.RLIMIT_CPU, limits["cpu_seconds"]),
        (resource.RLIMIT_FSIZE, limits["output_bytes"]),
        (resource.RLIMIT_NOFILE, 3),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (value, value))


def _draw(data: bytes, limits: dict[str, Any]) -> Image.Image:
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = None  # Our own limit is exact.
    try:
        image: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise PictureProblem("PHOTO_UNREADABLE") from None
    _require_modest(image, limits)
    side = limits["thumbnail_side"]
    if side:
        image.draft("RGB", (side * 2, side * 2))  # A JPEG is decoded smaller: much faster.
    image.load()
    upright = ImageOps.exif_transpose(image)
    plain = _as_rgb(upright)
    if side:
        plain.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return plain


def _require_modest(image: Image.Image, limits: dict[str, Any]) -> None:
    width, height = image.size
    if width * height > limits["pixels"] or max(width, height) > limits["side"]:
        raise PictureProblem("PHOTO_TOO_MANY_PIXELS")
    if image.format not in STILL and getattr(image, "is_animated", False):
        raise PictureProblem("PHOTO_ANIMATED")


def _as_rgb(image: Image.Image) -> Image.Image:
    """Bring any mode to 8 bits of sRGB on white, with the colours that its profile means."""
    if image.mode.startswith("I"):  # 16 bits of grey, which `convert` would cut off, not scale.
        image = image.point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        ground.alpha_composite(image)
        ground.info["icc_profile"] = image.info.get("icc_profile")
        image = ground.convert("RGB")
    if image.mode == "P":
        image = image.convert("RGB")
    return _as_srgb(image).convert("RGB")


def _as_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if not profile:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image  # A profile that is broken or for other colours means nothing.
    return converted or image


def _encode(image: Image.Image, limits: dict[str, Any]) -> bytes:
    image.info.clear()
    for quality in QUALITIES:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, subsampling="4:4:4")
        if buffer.tell() <= limits["photo_bytes"]:
            return buffer.getvalue()
    raise PictureProblem("PHOTO_TOO_COMPLEX")


def _answer(head: dict[str, Any], data: bytes) -> None:
    out = sys.stdout.buffer
    out.write(json.dumps(head).encode() + b"\n")
    out.write(data)
    out.flush()


if __name__ == "__main__":
    main()
