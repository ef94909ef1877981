"""Thumbnails, purging, and death at any instant, on both databases."""

from contextlib import suppress

import pytest

from oms.domain.errors import InvalidInput, NotFound, Unavailable
from oms.domain.photos import (
    FILE_GRACE_MS,
    UPLOAD_KEPT_MS,
    PhotoProblem,
    photo_refusal,
)
from oms.usecases.case_photos import (
    file_of,
)
from tests.services.album import DATA, Album, sha
from tests.services.fake_gateways import WorkerKilled


@pytest.fixture
def album(scene) -> Album:
    return Album(scene)


def test_thumbnail_is_drawn_by_its_job(album):
    album.upload()
    [before] = album.photos()
    with pytest.raises(Unavailable):
        file_of(before, thumbnail=True)

    album.scene.run_jobs()

    [photo] = album.photos()
    assert photo.thumbnail is not None
    assert file_of(photo, thumbnail=True).key == sha(b"small clean " + DATA)
    assert album.scene.photos.files[photo.thumbnail.key] == b"small clean " + DATA


def test_same_picture_again_has_its_thumbnail_at_once(album):
    other = album.new_case()
    album.upload()
    album.scene.run_jobs()

    album.upload(case=other)

    assert album.photos(case=other)[0].thumbnail is not None


def test_abandoned_upload_is_purged_after_a_day(album):
    ref = album.create()
    album.write(ref, 0, DATA[:5])
    album.scene.clock.advance_ms(UPLOAD_KEPT_MS)
    album.purge()
    assert album.state(ref).committed == 5

    album.scene.clock.advance_ms(1)
    album.purge()

    assert album.scene.photos.partial == {}
    with pytest.raises(NotFound):
        album.state(ref)


def test_file_without_a_photo_is_purged_after_its_grace_with_its_thumbnail(album):
    photo = album.upload()
    album.scene.run_jobs()
    album.remove(photo)
    album.scene.clock.advance_ms(FILE_GRACE_MS)
    album.purge()
    assert len(album.scene.photos.files) == len(album.keys()) == 2

    for _ in range(2):  # The thumbnail has a grace of its own.
        album.scene.clock.advance_ms(FILE_GRACE_MS + 1)
        album.purge()

    assert (album.scene.photos.files, album.keys()) == ({}, set())


def test_file_of_a_photo_stays_for_ever(album):
    album.upload()
    album.scene.run_jobs()

    for _ in range(3):
        album.scene.clock.advance_ms(10 * FILE_GRACE_MS)
        album.purge()

    assert len(album.scene.photos.files) == len(album.keys()) == 2
    assert album.photos()[0].thumbnail is not None


def test_file_that_another_case_uses_stays(album):
    other = album.new_case()
    photo = album.upload()
    album.upload(case=other)
    album.remove(photo)

    album.scene.clock.advance_ms(2 * FILE_GRACE_MS)
    album.purge()

    assert len(album.scene.photos.files) == 2
    assert album.scene.photos.has(album.photos(case=other)[0].file.key)


def test_what_no_row_knows_of_goes_after_its_grace(album):
    stray = album.scene.photos.put(b"restored from somewhere")
    album.scene.photos.write("xunknown", 0, b"restored too")

    album.purge()
    assert (album.scene.photos.has(stray), album.scene.photos.partial) == (True, {})
    album.scene.clock.advance_ms(FILE_GRACE_MS + 1)
    album.purge()

    assert (album.scene.photos.files, album.keys()) == ({}, set())


@pytest.mark.parametrize("instant", range(4))
def test_death_at_any_instant_of_a_finalize_leaves_nothing_wrong(album, instant):
    """The storage is met by put and drop, the decoder by clean: die in each, and before the end."""
    ref = album.create(size=len(DATA), sha256=sha(DATA))
    album.write(ref, 0, DATA)
    if instant == 0:
        album.scene.decoder.faults.append(WorkerKilled())
    elif instant < 3:
        album.scene.photos.faults.extend([None] * (instant - 1) + [WorkerKilled()])
    else:
        album.scene.photos.faults.extend([None, Unavailable("the disk is away")])

    with suppress(WorkerKilled):
        album.finalize(ref, DATA)
    album.scene.photos.faults.clear()
    photo_id = album.finalize(album.create(size=len(DATA), sha256=sha(DATA)), DATA)

    assert [photo.id for photo in album.photos()] == [photo_id]
    assert album.scene.photos.has(album.photos()[0].file.key)
    album.scene.clock.advance_ms(2 * FILE_GRACE_MS)
    album.purge()
    assert album.scene.photos.partial == {}
    assert set(album.scene.photos.files) == album.keys()
    assert album.scene.photos.has(album.photos()[0].file.key)


def test_file_that_is_purged_while_it_comes_again_is_put_again_or_refused(album):
    """Between the announcement of a file and its photo lies no purge that could take it away."""
    photo = album.upload()
    album.remove(photo)
    album.scene.clock.advance_ms(FILE_GRACE_MS + 1)
    ref = album.create()
    album.write(ref, 0, DATA)
    album.scene.decoder.faults.append(album.purge)

    again = album.finalize(ref, DATA)

    assert album.scene.photos.has(album.photos()[0].file.key)
    assert album.photos()[0].id == again


def test_photo_never_refers_to_bytes_that_are_gone(album):
    ref = album.create()
    album.write(ref, 0, DATA)
    real_put = album.scene.photos.put

    def lose(data: bytes) -> str:
        key: str = real_put(data)
        del album.scene.photos.files[key]
        return key

    album.scene.photos.put = lose
    assert album.refusal(lambda: album.finalize(ref, DATA), "photo_file") == (
        "TEMPORARILY_UNAVAILABLE"
    )
    album.scene.photos.put = real_put
    assert album.finalize(ref, DATA)


def test_wrong_content_is_an_invalid_input():
    assert isinstance(photo_refusal(PhotoProblem.ANIMATED), InvalidInput)
