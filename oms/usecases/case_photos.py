"""The photos of a case: who may add, see and remove them."""

from dataclasses import dataclass, replace

from oms.domain.errors import IllegalTransition, LimitExceeded, NotFound, Unavailable
from oms.domain.ids import IdKind, new_id
from oms.domain.photos import MAY_ADD, MAY_REMOVE, PHOTOS_PER_CASE_MAX, Photo, PhotoFile
from oms.domain.principals import Principal
from oms.storage import events, orders, photos
from oms.storage.events import NewEvent
from oms.storage.photos import EvidenceCase
from oms.usecases.context import Oms, Transaction

READ_BYTES = 256 * 1024  # Of one message of a download.


def lock_case(tx: Transaction, merchant_id: str, case_id: str) -> EvidenceCase:
    """Lock a case that the caller sees, by its order, and read it as it is then.

    Raises:
        NotFound: it is absent, or for the caller it is as good as that.
    """
    assert tx.caller is not None
    case = photos.visible_case(tx.db, tx.caller, merchant_id, case_id)
    orders.lock(tx.db, [case.order_id])
    return photos.visible_case(tx.db, tx.caller, merchant_id, case_id)


def require_may_add(caller: Principal, case: EvidenceCase) -> None:
    """Refuse photos of those who may not add any in the present state of the case."""
    if case.state not in MAY_ADD[caller.role]:
        raise _not_now("add a photo to", case)


def _not_now(what: str, case: EvidenceCase) -> IllegalTransition:
    return IllegalTransition(
        f"case {case.id}", event=what, state=case.state.value, allowed=("look at its photos",)
    )


def require_place(count: int) -> None:
    """Refuse one more photo of a case that has `count`."""
    if count >= PHOTOS_PER_CASE_MAX:
        raise LimitExceeded(
            f"the case has {count} photos, and {PHOTOS_PER_CASE_MAX} are allowed",
            limit="photos_per_case",
        )


def add_photo(tx: Transaction, case: EvidenceCase, photo: Photo) -> Photo:
    """Add a photo to a locked case; its file is looked at while nobody can remove it."""
    if not photos.use_file(tx.db, photo.file.key) or not tx.oms.photos.has(photo.file.key):
        raise Unavailable("the photo was lost on its way; finalize it again")
    photos.insert(tx.db, photo)
    _note(tx, case, "case.photo_added", photo.id)
    found = photos.of_name(tx.db, case.id, photo.id)
    assert found is not None
    return found


def _note(tx: Transaction, case: EvidenceCase, kind: str, photo_id: str) -> None:
    count = photos.recount(tx.db, case.id, tx.now_ms)
    details = {"photo": photo_id, "photos": str(count)}
    subject = f"merchants/{case.merchant_id}/cases/{case.id}"
    event = NewEvent(case.merchant_id, case.order_id, kind, tx.actor, subject, details)
    events.append(tx.db, [event], tx.now_ms)


@dataclass(frozen=True, slots=True)
class PhotoRef:
    """A photo as its name tells it."""

    merchant_id: str
    case_id: str
    photo_id: str


@dataclass(frozen=True, slots=True)
class AttachPhoto:
    """A photo of one case of the calling merchant that is to prove another one as well."""

    merchant_id: str
    case_id: str
    photo: PhotoRef


def attach_photo(tx: Transaction, command: AttachPhoto) -> Photo:
    """Add a photo that is there to another case, without its bytes being sent again.

    A case that has the same picture already answers with that one.
    """
    assert tx.caller is not None
    original = find_photo(tx.oms, tx.caller, command.photo)
    case = lock_case(tx, command.merchant_id, command.case_id)
    require_may_add(tx.caller, case)
    present = photos.of_case(tx.db, case.id)
    for photo in present:
        if (photo.file.key, photo.uploader) == (original.file.key, tx.actor):
            return photo
    require_place(len(present))
    copy = replace(
        original,
        id=new_id(IdKind.PHOTO, tx.now_ms),
        case_id=case.id,
        uploader=tx.actor,
        created_at=tx.now_ms,
    )
    return add_photo(tx, case, copy)


def remove_photo(tx: Transaction, command: PhotoRef) -> None:
    """Take a photo out of a draft; what was submitted stays."""
    assert tx.caller is not None
    case = lock_case(tx, command.merchant_id, command.case_id)
    if case.state not in MAY_REMOVE[tx.caller.role]:
        raise _not_now("remove a photo from", case)
    photos.delete(tx.db, find_photo(tx.oms, tx.caller, command), tx.now_ms)
    _note(tx, case, "case.photo_removed", command.photo_id)


def list_photos(oms: Oms, caller: Principal, merchant_id: str, case_id: str) -> list[Photo]:
    """Return the photos of a case that the caller sees, oldest first. Raises NotFound."""
    case = photos.visible_case(oms.db, caller, merchant_id, case_id)
    return photos.of_case(oms.db, case.id)


def find_photo(oms: Oms, caller: Principal, ref: PhotoRef) -> Photo:
    """Return a photo of a case that the caller sees. Raises NotFound."""
    case = photos.visible_case(oms.db, caller, ref.merchant_id, ref.case_id)
    photo = photos.of_name(oms.db, case.id, ref.photo_id)
    if photo is None:
        raise NotFound.of(f"merchants/{ref.merchant_id}/cases/{ref.case_id}/photos/{ref.photo_id}")
    return photo


def file_of(photo: Photo, *, thumbnail: bool) -> PhotoFile:
    """Choose what is shown of a photo.

    Raises:
        Unavailable: the thumbnail is not drawn yet.
    """
    if not thumbnail:
        return photo.file
    if photo.thumbnail is None:
        raise Unavailable("the thumbnail is still being drawn")
    return photo.thumbnail


def read_file(oms: Oms, file: PhotoFile, offset: int) -> bytes:
    """Read the next piece of a file, empty at its end."""
    return oms.photos.read(file.key, offset, READ_BYTES)
