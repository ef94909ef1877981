"""Photos on their way into a case, on both databases, with the storage in memory."""

import pytest

from oms.domain.cases import FINAL_STATES, OPEN_STATES, CaseState
from oms.domain.errors import FbaliError, LimitExceeded, NotFound, Unavailable
from oms.domain.photos import (
    MAY_ADD,
    MAY_REMOVE,
    PHOTO_BYTES_MAX,
    PHOTOS_PER_CASE_MAX,
    UPLOAD_KEPT_MS,
    UPLOAD_TABLE,
    UPLOADS_PER_CASE_MAX,
    PhotoProblem,
    UploadEvent,
    UploadState,
    photo_refusal,
)
from oms.domain.principals import Role
from oms.usecases.case_photos import (
    AttachPhoto,
    PhotoRef,
    attach_photo,
)
from oms.usecases.upload_photos import (
    find_upload,
)
from tests.services.album import DATA, Album, sha
from tests.services.evidence import move_case, photo_count


@pytest.fixture
def album(scene) -> Album:
    return Album(scene)


# --- The way in -------------------------------------------------------------------------------


def test_chunks_become_a_photo_of_the_case(album):
    ref = album.create(file_name="box.jpg", size=len(DATA), sha256=sha(DATA))
    assert album.write(ref, 0, DATA[:10]) == 10
    assert album.write(ref, 10, DATA[10:]) == len(DATA)

    photo_id = album.finalize(ref, DATA)

    [photo] = album.photos()
    assert (photo.id, photo.file_name, photo.uploader) == (
        photo_id,
        "box.jpg",
        f"merchants/{album.merchant.id}",
    )
    assert (photo.source_sha256, photo.file.key) == (sha(DATA), sha(b"clean " + DATA))
    assert album.scene.photos.files == {photo.file.key: b"clean " + DATA}
    assert album.scene.photos.partial == {}
    assert photo_count(album.scene.db, album.case) == 1
    found = album.state(ref)
    assert (found.state, found.photo_id) == (UploadState.FINISHED, photo_id)


@pytest.mark.parametrize("stop", [1, 2, 17, len(DATA) - 1])
def test_upload_that_broke_off_anywhere_goes_on_there(album, stop):
    ref = album.create(sha256=sha(DATA), size=len(DATA))
    album.write(ref, 0, DATA[:stop])

    again = album.create(sha256=sha(DATA), size=len(DATA))

    assert again == ref
    assert album.state(again).committed == stop
    album.write(again, stop, DATA[stop:])
    album.finalize(again, DATA)
    assert len(album.photos()) == 1


def test_bytes_that_came_already_are_passed_over(album):
    ref = album.create()
    album.write(ref, 0, DATA[:20])

    assert album.write(ref, 0, DATA[:20]) == 20
    assert album.write(ref, 5, DATA[5:12]) == 20
    assert album.write(ref, 10, DATA[10:30]) == 30
    assert album.scene.photos.partial[ref.upload_id] == DATA[:30]


def test_gap_is_refused_with_where_to_go_on(album):
    ref = album.create()
    album.write(ref, 0, DATA[:20])

    with pytest.raises(FbaliError) as refused:
        album.write(ref, 21, DATA[21:])

    assert (refused.value.word, refused.value.metadata) == ("UPLOAD_GAP", {"committed_size": "20"})
    assert album.state(ref).committed == 20


def test_wrong_checksum_of_a_chunk_is_refused(album):
    ref = album.create()

    assert album.refusal(lambda: album.write(ref, 0, DATA, crc32=1)) == "CHECKSUM_MISMATCH"
    assert album.scene.photos.partial == {}


def test_wrong_digest_is_refused_and_the_right_one_still_works(album):
    ref = album.create()
    album.write(ref, 0, DATA)

    assert album.refusal(lambda: album.finalize(ref, b"other")) == "CHECKSUM_MISMATCH"
    assert album.finalize(ref, DATA)


def test_incomplete_upload_is_not_finalized(album):
    ref = album.create(size=len(DATA))
    album.write(ref, 0, DATA[:-1])

    assert album.refusal(lambda: album.finalize(ref, DATA[:-1])) == "UPLOAD_GAP"


def test_chunk_that_goes_beyond_the_announced_size_is_refused(album):
    ref = album.create(size=10)

    assert album.refusal(lambda: album.write(ref, 0, DATA[:11])) == "INVALID_FIELD"
    assert album.write(ref, 0, DATA[:10]) == 10


def test_photo_may_have_ten_mebibytes_and_not_one_byte_more(album):
    assert album.refusal(lambda: album.create(size=PHOTO_BYTES_MAX + 1)) == "LIMIT_EXCEEDED"
    ref = album.create(size=PHOTO_BYTES_MAX)
    assert album.write(ref, 0, bytes(PHOTO_BYTES_MAX)) == PHOTO_BYTES_MAX
    unknown = album.create()
    album.write(unknown, 0, bytes(PHOTO_BYTES_MAX))

    with pytest.raises(LimitExceeded) as refused:
        album.write(unknown, PHOTO_BYTES_MAX, b"x")

    assert refused.value.metadata == {"limit": "photo_bytes"}
    assert album.state(unknown).committed == PHOTO_BYTES_MAX


# --- What it becomes --------------------------------------------------------------------------


def test_second_finalize_answers_with_the_same_photo(album):
    ref = album.create()
    album.write(ref, 0, DATA)

    answers = {album.finalize(ref, DATA, request_id=name) for name in ("", "r1", "r1", "r2")}

    assert len(answers) == 1
    assert len(album.photos()) == 1
    assert album.refusal(lambda: album.finalize(ref, b"other")) == "CHECKSUM_MISMATCH"


def test_finalized_at_once_by_many_it_becomes_one_photo(album):
    ref = album.create()
    album.write(ref, 0, DATA)

    results = album.scene.at_once(4, lambda _: album.finalize(ref, DATA))

    [photo] = album.photos()
    assert set(results) == {photo.id}
    assert photo_count(album.scene.db, album.case) == 1


def test_upload_that_was_finished_while_it_was_read_answers_with_its_photo(album):
    ref = album.create()
    album.write(ref, 0, DATA)
    album.scene.decoder.faults.append(lambda: album.finalize(ref, DATA))

    photo_id = album.finalize(ref, DATA)

    assert [photo.id for photo in album.photos()] == [photo_id]


@pytest.mark.parametrize("problem", list(PhotoProblem))
def test_what_is_no_photo_ends_its_upload_and_leaves_no_bytes(album, problem):
    ref = album.create()
    album.write(ref, 0, DATA)
    album.scene.decoder.faults.append(photo_refusal(problem))

    assert album.refusal(lambda: album.finalize(ref, DATA), "photo_upload") == problem

    found = album.state(ref)
    assert (found.state, found.problem) == (UploadState.REFUSED, problem)
    assert (album.scene.photos.partial, album.scene.photos.files) == ({}, {})
    assert album.refusal(lambda: album.finalize(ref, DATA)) == problem
    assert album.refusal(lambda: album.write(ref, 0, DATA)) == "ILLEGAL_TRANSITION"


def test_busy_decoder_leaves_the_upload_as_it_is(album):
    ref = album.create()
    album.write(ref, 0, DATA)
    album.scene.decoder.faults.append(Unavailable("busy"))

    assert album.refusal(lambda: album.finalize(ref, DATA)) == "TEMPORARILY_UNAVAILABLE"
    assert album.finalize(ref, DATA)


def test_same_picture_in_two_cases_is_kept_once(album):
    other = album.new_case()

    first, second = album.upload(), album.upload(case=other)

    assert first != second
    assert len(album.scene.photos.files) == 1
    assert len(album.photos()) == len(album.photos(case=other)) == 1


def test_photo_is_attached_to_another_case_without_its_bytes(album):
    other = album.new_case()
    ref = PhotoRef(album.merchant.id, album.case, album.upload())
    command = AttachPhoto(album.merchant.id, other, ref)

    first = album.scene.do(attach_photo, command, album.merchant)
    again = album.scene.do(attach_photo, command, album.merchant)

    assert first == again
    assert [photo.id for photo in album.photos(case=other)] == [first.id]
    assert photo_count(album.scene.db, other) == 1
    assert len(album.scene.photos.files) == 1


def test_history_of_the_order_tells_of_photos(album):
    photo = album.upload()
    album.remove(photo)

    with album.scene.db.session():
        rows = album.scene.db.all("SELECT kind, actor FROM event WHERE kind LIKE 'case.photo%'")

    actor = f"merchants/{album.merchant.id}"
    assert [tuple(row) for row in rows] == [
        ("case.photo_added", actor),
        ("case.photo_removed", actor),
    ]


# --- Limits -----------------------------------------------------------------------------------


def test_case_takes_ten_photos_and_not_an_eleventh(album):
    waiting = album.create()
    album.write(waiting, 0, b"waiting")
    for index in range(PHOTOS_PER_CASE_MAX):
        album.upload(DATA + bytes([index]))

    assert album.refusal(album.create) == "LIMIT_EXCEEDED"
    with pytest.raises(LimitExceeded) as refused:
        album.finalize(waiting, b"waiting")
    assert refused.value.metadata == {"limit": "photos_per_case"}
    assert len(album.photos()) == photo_count(album.scene.db, album.case) == 10
    album.remove(album.photos()[0].id)
    assert album.finalize(waiting, b"waiting")


def test_ten_photos_finalized_at_once_with_nine_there_leave_ten(album):
    for index in range(PHOTOS_PER_CASE_MAX - 1):
        album.upload(DATA + bytes([index]))
    refs = [album.create() for _ in range(3)]
    for ref in refs:
        album.write(ref, 0, ref.upload_id.encode())

    results = album.scene.at_once(
        3, lambda index: album.finalize(refs[index], refs[index].upload_id.encode())
    )

    assert sum(isinstance(result, LimitExceeded) for result in results) == 2
    assert len(album.photos()) == 10


def test_open_uploads_are_few(album):
    for _ in range(UPLOADS_PER_CASE_MAX):
        album.create()

    assert album.refusal(album.create) == "LIMIT_EXCEEDED"
    album.scene.clock.advance_ms(UPLOAD_KEPT_MS + 1)
    album.purge()
    assert album.create()


def test_full_disk_is_said_and_changes_nothing(album):
    ref = album.create()
    album.scene.photos.is_full = True

    reasons = {
        album.refusal(album.create),
        album.refusal(lambda: album.write(ref, 0, DATA)),
    }

    assert reasons == {"LIMIT_EXCEEDED"}
    album.scene.photos.is_full = False
    album.write(ref, 0, DATA)
    album.scene.photos.is_full = True
    assert album.refusal(lambda: album.finalize(ref, DATA), "photo_file") == "LIMIT_EXCEEDED"
    album.scene.photos.is_full = False
    assert album.finalize(ref, DATA)


# --- Who may ----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", list(CaseState))
def test_photos_are_added_and_removed_in_the_states_of_the_table(album, state):
    photo = album.upload()
    move_case(album.scene.db, album.case, state)
    callers = {Role.MERCHANT: album.merchant, Role.VENDOR: album.vendor}

    for role, caller in callers.items():
        hidden = role == Role.VENDOR and state == CaseState.DRAFT
        refused = "RESOURCE_NOT_FOUND" if hidden else "ILLEGAL_TRANSITION"
        if state in MAY_ADD[role]:
            assert album.upload(DATA + role.encode(), caller)
        else:
            assert album.refusal(lambda caller=caller: album.create(caller)) == refused
        if state not in MAY_REMOVE[role]:
            assert album.refusal(lambda caller=caller: album.remove(photo, caller)) == refused
    if state in MAY_REMOVE[Role.MERCHANT]:
        album.remove(photo)
        assert photo not in [found.id for found in album.photos()]


def test_rights_are_those_of_the_flow():
    assert MAY_ADD[Role.MERCHANT] | FINAL_STATES == frozenset(CaseState)
    assert MAY_ADD[Role.VENDOR] == OPEN_STATES
    assert [sorted(states) for states in MAY_REMOVE.values()] == [["DRAFT"], [], []]


def test_draft_is_shown_to_its_merchant_alone_and_a_case_to_its_parties(album):
    album.upload()
    rival = album.scene.new_vendor("Rival")
    stranger = album.scene.new_merchant("Stranger")
    for caller in (album.vendor, album.operator, rival, stranger):
        with pytest.raises(NotFound):
            album.photos(caller)

    move_case(album.scene.db, album.case, CaseState.SUBMITTED)

    assert [len(album.photos(caller)) for caller in (album.vendor, album.operator)] == [1, 1]
    for caller in (rival, stranger):
        with pytest.raises(NotFound):
            album.photos(caller)


def test_upload_of_somebody_else_does_not_exist(album):
    move_case(album.scene.db, album.case, CaseState.SUBMITTED)
    ref = album.create()
    album.write(ref, 0, DATA)

    for work in (
        lambda: album.write(ref, 0, DATA, album.vendor),
        lambda: album.finalize(ref, DATA, album.vendor),
        lambda: find_upload(album.scene.oms, album.vendor, ref),
    ):
        assert album.refusal(work) == "RESOURCE_NOT_FOUND"


def test_upload_cannot_be_finalized_once_the_case_is_final(album):
    ref = album.create()
    album.write(ref, 0, DATA)
    move_case(album.scene.db, album.case, CaseState.RESOLVED)

    assert album.refusal(lambda: album.finalize(ref, DATA)) == "ILLEGAL_TRANSITION"


def test_case_that_became_final_while_the_picture_was_read_gets_no_photo(album):
    ref = album.create()
    album.write(ref, 0, DATA)
    album.scene.decoder.faults.append(
        lambda: move_case(album.scene.db, album.case, CaseState.WITHDRAWN)
    )

    with pytest.raises(FbaliError) as refused:
        album.finalize(ref, DATA)

    assert refused.value.word == "ILLEGAL_TRANSITION"
    assert album.photos() == []


@pytest.mark.parametrize("state", list(UploadState))
@pytest.mark.parametrize("event", list(UploadEvent))
def test_only_an_upload_that_is_received_moves(state, event):
    arrow = UPLOAD_TABLE.arrows.get((state, event))

    assert (arrow is not None) == (state == UploadState.RECEIVING)
