"""The folder of photos: durable, private, and never half full of anything."""

import hashlib
import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from oms.domain.errors import LimitExceeded, NotFound, Unavailable
from oms.gateways.photos.disk import NEW_KEPT_SECONDS, DiskPhotoStore
from tests.services.fake_photos import FakePhotoStore

DATA = b"some bytes of a photo"
KEY = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "photos"


@pytest.fixture
def store(root: Path) -> DiskPhotoStore:
    return DiskPhotoStore(root)


@pytest.fixture(params=["disk", "memory"])
def any_store(request: pytest.FixtureRequest, root: Path) -> DiskPhotoStore | FakePhotoStore:
    """What tests of use cases stand on behaves as the real one does."""
    return DiskPhotoStore(root) if request.param == "disk" else FakePhotoStore()


def files_below(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_file_is_kept_under_the_digest_of_its_bytes(any_store):
    assert not any_store.has(KEY)
    assert any_store.put(DATA) == any_store.put(DATA) == KEY

    assert any_store.has(KEY)
    assert any_store.read(KEY, 0, 100) == DATA
    assert any_store.read(KEY, 5, 4) == DATA[5:9]
    assert any_store.read(KEY, 100, 4) == b""
    assert (any_store.keys(KEY[:2]), any_store.keys("zz")) == ([KEY], [])
    any_store.remove(KEY)
    any_store.remove(KEY)
    assert not any_store.has(KEY)
    with pytest.raises(NotFound):
        any_store.read(KEY, 0, 1)


def test_upload_grows_at_its_offsets(any_store):
    assert any_store.received("x1", 10) == b""
    any_store.write("x1", 0, b"abc")
    any_store.write("x1", 3, b"def")
    any_store.write("x1", 0, b"abc")
    any_store.write("x2", 0, b"other")

    assert any_store.received("x1", 5) == b"abcde"
    assert any_store.received("x1", 50) == b"abcdef"
    assert (any_store.uploads(""), any_store.uploads("x1")) == (["x1", "x2"], ["x2"])
    any_store.drop("x1")
    any_store.drop("x1")
    assert any_store.uploads("") == ["x2"]


def test_everything_is_its_owners_alone_whatever_the_umask(store, root):
    before = os.umask(0)
    try:
        store.put(DATA)
        store.write("x1", 0, b"abc")
    finally:
        os.umask(before)

    assert files_below(root) == [f"files/{KEY[:2]}/{KEY}", "uploads/x1"]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*") if path.is_file()}
    folders = {stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*") if path.is_dir()}
    assert (modes, folders, stat.S_IMODE(root.stat().st_mode)) == ({0o600}, {0o700}, 0o700)


def test_reader_sees_all_of_a_file_or_nothing(store):
    data = os.urandom(3_000_000)
    key = hashlib.sha256(data).hexdigest()
    seen, done = set(), threading.Event()

    def look() -> None:
        while not done.is_set():
            if store.has(key):
                seen.add(len(store.read(key, 0, len(data) + 1)))

    reader = threading.Thread(target=look)
    reader.start()
    for _ in range(10):
        store.put(data)
    done.set()
    reader.join()

    assert seen <= {len(data)}
    assert store.read(key, 0, len(data)) == data


def test_many_put_the_same_file_at_once(store, root):
    threads = [threading.Thread(target=store.put, args=(DATA,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert files_below(root) == [f"files/{KEY[:2]}/{KEY}"]


def test_disk_that_is_full_is_said_in_words(store, root):
    store.write("x1", 0, b"abc")
    (root / "uploads" / "x2").symlink_to("/dev/full")

    with pytest.raises(LimitExceeded, match="full") as refusal:
        store.write("x2", 0, b"abc")

    assert refusal.value.metadata == {"limit": "photo_storage"}
    assert store.received("x1", 10) == b"abc"


def test_nearly_full_disk_takes_nothing_new(root):
    with pytest.raises(LimitExceeded, match="full"):
        DiskPhotoStore(root, free_bytes_min=2**62).require_room()

    DiskPhotoStore(root, free_bytes_min=0).require_room()


@pytest.mark.parametrize(
    "work",
    [
        lambda store: store.put(DATA),
        lambda store: store.write("x1", 0, DATA),
        lambda store: store.require_room(),
        lambda store: store.has(KEY),
        lambda store: store.keys("ab"),
    ],
)
def test_storage_that_is_away_is_unavailable(tmp_path: Path, work: Callable[..., object]):
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(Unavailable, match="photo storage"):
        work(DiskPhotoStore(tmp_path / "file" / "photos"))


def test_what_a_dead_process_was_writing_is_tidied_up_later(store, root):
    store.put(DATA)
    young, old = root / "new" / "young", root / "new" / "old"
    for path in (young, old):
        path.write_bytes(b"half")
    past = time.time() - NEW_KEPT_SECONDS - 5
    os.utime(old, (past, past))

    store.tidy()

    assert files_below(root) == [f"files/{KEY[:2]}/{KEY}", "new/young"]


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "ab", KEY.upper(), f"{KEY}x", f"{KEY}\n"])
def test_key_that_is_no_digest_never_becomes_a_path(store, key):
    with pytest.raises(AssertionError):
        store.read(key, 0, 1)
