"""What the decoder makes of pictures: real ones, unusual ones, and ones that are meant to hurt."""

import io
import resource
import threading
import time

import pytest
from PIL import Image, ImageCms

from oms.domain.errors import FbaliError, Unavailable
from oms.domain.photos import PHOTO_BYTES_MAX, PROBLEM_WORDS, PhotoProblem
from oms.gateways.photos.decoder import DECODERS_MAX, DecoderLimits, ProcessDecoder
from tests.services.pictures import (
    animated,
    chunk,
    corners,
    encoded,
    photo,
    photo_of_size,
    png,
    quarters,
    with_secrets,
)

UPRIGHT = ["red", "green", "blue", "white"]
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def decoder() -> ProcessDecoder:
    return ProcessDecoder()


def problem_of(decoder: ProcessDecoder, data: bytes) -> str:
    with pytest.raises(FbaliError) as refusal:
        decoder.clean(data)
    return refusal.value.word


def grey_16() -> Image.Image:
    """Grey of 16 bits: dark on the left, bright on the right."""
    row = (8_000).to_bytes(2, "little") * 32 + (60_000).to_bytes(2, "little") * 32
    return Image.frombytes("I;16", (64, 48), row * 48)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encoded(corners(), "JPEG", quality=95), id="jpeg"),
        pytest.param(encoded(corners(), "JPEG", quality=95, progressive=True), id="progressive"),
        pytest.param(encoded(corners().convert("CMYK"), "JPEG", quality=95), id="cmyk"),
        pytest.param(encoded(corners(), "MPO", quality=95), id="mpo"),
        pytest.param(
            encoded(corners(), "MPO", quality=95, save_all=True, append_images=[corners()]),
            id="mpo of a camera",
        ),
        pytest.param(encoded(corners(), "PNG"), id="png"),
        pytest.param(encoded(corners().quantize(16), "PNG"), id="palette"),
        pytest.param(encoded(corners().convert("RGBA"), "PNG"), id="png with alpha"),
        pytest.param(encoded(corners(), "WEBP", quality=95), id="webp"),
        pytest.param(encoded(corners().convert("RGBA"), "WEBP", lossless=True), id="webp alpha"),
        pytest.param(encoded(corners(), "JPEG", quality=95) + b"PK\3\4<script>", id="with a tail"),
    ],
)
def test_every_kind_of_photo_becomes_a_plain_jpeg(decoder, data):
    picture = decoder.clean(data)

    image = Image.open(io.BytesIO(picture.data))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (64, 48))
    assert (picture.width, picture.height) == (64, 48)
    assert quarters(picture.data) == UPRIGHT
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert b"script" not in picture.data


def test_grey_of_16_bits_keeps_its_brightness(decoder):
    image = Image.open(io.BytesIO(decoder.clean(encoded(grey_16(), "PNG")).data))

    assert image.getpixel((10, 20)) == pytest.approx((31, 31, 31), abs=2)
    assert image.getpixel((50, 20)) == pytest.approx((234, 234, 234), abs=2)


def test_what_is_transparent_lies_on_white(decoder):
    image = Image.new("RGBA", (64, 48), (200, 0, 0, 0))

    picture = decoder.clean(encoded(image, "PNG"))

    assert quarters(picture.data) == ["white"] * 4 or Image.open(io.BytesIO(picture.data)).getpixel(
        (5, 5)
    ) == (255, 255, 255)


@pytest.mark.parametrize(
    ("orientation", "shown", "size"),
    [
        (1, ["red", "green", "blue", "white"], (64, 48)),
        (3, ["white", "blue", "green", "red"], (64, 48)),
        (6, ["blue", "red", "white", "green"], (48, 64)),
        (8, ["green", "white", "red", "blue"], (48, 64)),
    ],
)
def test_picture_is_turned_upright_and_forgets_where_it_was_taken(
    decoder, orientation, shown, size
):
    original = with_secrets(corners(), orientation)
    assert b"SECRET" in original
    assert Image.open(io.BytesIO(original)).getexif().get_ifd(0x8825)

    for picture in (decoder.clean(original), decoder.shrink(original)):
        image = Image.open(io.BytesIO(picture.data))
        assert (image.size, quarters(picture.data)) == (size, shown)
        assert dict(image.getexif()) == {}
        assert [word for word in (b"Exif", b"SECRET", b"adobe") if word in picture.data] == []


def test_colours_mean_what_the_profile_said_and_the_profile_is_gone(decoder):
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = decoder.clean(encoded(corners(), "JPEG", quality=95, icc_profile=lab))
    broken = decoder.clean(encoded(corners(), "JPEG", quality=95, icc_profile=b"broken" * 50))

    assert quarters(plain.data) == quarters(broken.data) == UPRIGHT
    assert b"ICC_PROFILE" not in plain.data + broken.data


def test_thumbnail_fits_its_square_and_a_small_picture_is_not_blown_up(decoder):
    large = decoder.shrink(encoded(corners(2000, 1000), "JPEG"))
    small = decoder.shrink(encoded(corners(64, 48), "PNG"))

    assert (large.width, large.height) == (320, 160)
    assert (small.width, small.height) == (64, 48)
    assert quarters(large.data) == UPRIGHT


@pytest.mark.parametrize(
    ("problem", "data"),
    [
        ("TYPE_UNSUPPORTED", b""),
        ("TYPE_UNSUPPORTED", b"\xff\xd8"),
        ("TYPE_UNSUPPORTED", encoded(corners(), "GIF")),
        ("TYPE_UNSUPPORTED", b"GIF89a/*\x01\x00*/=1;alert(1)//"),
        ("TYPE_UNSUPPORTED", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("TYPE_UNSUPPORTED", b"<!doctype html><script>alert(1)</script>"),
        ("TYPE_UNSUPPORTED", encoded(corners(), "TIFF")),
        ("TYPE_UNSUPPORTED", encoded(corners(), "BMP")),
        ("UNREADABLE", b"\xff\xd8\xff<html>" + b"x" * 500),
        ("UNREADABLE", b"RIFF\x00\x10\x00\x00WEBPVP8 " + b"x" * 500),
        ("UNREADABLE", b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b"")),
        ("UNREADABLE", png(0, 0, 0)),
        ("UNREADABLE", png(100, 100, 100)[:-30]),
        ("UNREADABLE", photo()[: len(photo()) // 2]),
        ("UNREADABLE", encoded(corners(), "PNG")[:-40]),
        ("UNREADABLE", encoded(corners(), "WEBP")[:-40]),
        ("ANIMATED", animated("PNG")),
        ("ANIMATED", animated("WEBP")),
        ("TOO_MANY_PIXELS", png(50_000, 50_000, 40)),
        ("TOO_MANY_PIXELS", png(20_000, 20_000, 100)),
        ("TOO_MANY_PIXELS", png(30_001, 1, 1)),
    ],
)
def test_what_is_no_photo_is_refused_with_its_reason(decoder, problem, data):
    assert problem_of(decoder, data) == PhotoProblem[problem]


def test_forty_megapixels_are_taken_and_one_more_row_is_not(decoder):
    most = encoded(Image.new("L", (8_000, 5_000), 90), "JPEG")
    more = encoded(Image.new("L", (8_000, 5_001), 90), "JPEG")

    picture = decoder.clean(most)

    assert (picture.width, picture.height) == (8_000, 5_000)
    assert problem_of(decoder, more) == PhotoProblem.TOO_MANY_PIXELS


def test_what_is_kept_of_the_heaviest_photo_is_within_the_limit(decoder):
    noisy = encoded(Image.effect_noise((5_000, 4_000), 100).convert("RGB"), "JPEG", quality=80)
    heaviest = noisy if len(noisy) <= PHOTO_BYTES_MAX else photo_of_size(PHOTO_BYTES_MAX)

    assert 0 < len(decoder.clean(heaviest).data) <= PHOTO_BYTES_MAX


def test_picture_that_needs_too_much_memory_ends_its_process_alone():
    narrow = ProcessDecoder(DecoderLimits(memory_bytes=200 * MIB))
    large = encoded(Image.new("RGB", (8_000, 5_000), "navy"), "JPEG")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert problem_of(narrow, large) == PhotoProblem.TOO_COMPLEX
    assert narrow.clean(photo()).width == 64
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def test_picture_that_needs_too_much_processor_is_killed():
    hasty = ProcessDecoder(DecoderLimits(cpu_seconds=1))
    slow = encoded(Image.linear_gradient("L").resize((8_000, 5_000)).convert("RGBA"), "PNG")
    assert len(slow) < PHOTO_BYTES_MAX
    started = time.monotonic()

    assert problem_of(hasty, slow) == PhotoProblem.TOO_COMPLEX
    assert time.monotonic() - started < 15


def test_picture_that_takes_too_long_is_killed():
    hasty = ProcessDecoder(DecoderLimits(wall_seconds=0.01))

    assert problem_of(hasty, photo()) == PhotoProblem.TOO_COMPLEX


def test_decoder_that_cannot_start_is_no_fault_of_the_picture():
    with pytest.raises(Unavailable):
        ProcessDecoder(DecoderLimits(memory_bytes=1 * MIB)).clean(photo())


def test_decoders_at_once_are_few_and_the_next_is_told_to_come_back():
    decoder = ProcessDecoder()
    large = encoded(Image.new("RGB", (8_000, 5_000), "navy"), "JPEG")
    busy = [threading.Thread(target=decoder.clean, args=(large,)) for _ in range(DECODERS_MAX)]
    for thread in busy:
        thread.start()
    time.sleep(0.1)

    with pytest.raises(Unavailable, match="other photos") as refusal:
        decoder.clean(photo())

    assert refusal.value.retry_after_seconds > 0
    assert decoder.clean(photo(), patience_seconds=60).width == 64
    for thread in busy:
        thread.join()


def test_every_problem_has_its_words():
    assert set(PROBLEM_WORDS) == set(PhotoProblem)
