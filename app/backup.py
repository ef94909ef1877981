"""Backups: a folder with the database of one instant, the photos, and a manifest of both.

    <target>/manifest.json      what is here, with checksums; there only when all else is
    <target>/database.sqlite3   or database.dump, for pg_restore
    <target>/photos/            as they are in the folder of data

Photos are copied after the database: what it names is there before it names it, and is never
changed. A backup is made beside its target and renamed, so half of one is never taken for a whole.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

from oms import bootstrap
from oms.domain.errors import Refused
from oms.settings import Settings
from oms.storage import postgresql_copies, soundness, sqlite_copies
from oms.storage.database import Database

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
PHOTOS: Final = "photos"
DATABASE_FILES: Final = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
_PASSING: Final = "new"  # Photos that are being written: nothing names them yet.


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. `files` are path -> (bytes, SHA-256); `rows` are counted by table."""

    format: int
    program: str
    made_at: str
    kind: str
    schema: list[str]
    rows: dict[str, int]
    files: dict[str, tuple[int, str]]

    @property
    def orders(self) -> int:
        """Count the orders."""
        return self.rows.get("orders", 0)


def make_backup(settings: Settings, target: Path) -> Manifest:
    """Save everything into a new folder, readable by its owner only, while others go on.

    Raises:
        Refused: the target is there, there is no database, or a program of PostgreSQL failed.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Refused(f"{target} is there already: a backup is made in a new folder")
    db = bootstrap.open_existing(settings)
    target.absolute().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = target.absolute().with_name(f".{target.absolute().name}.{token_hex(4)}")
    draft.mkdir(mode=0o700)
    try:
        manifest = _fill(draft, db, settings)
        _write_durably(draft / MANIFEST, json.dumps(asdict(manifest), indent=1))
        _sync_folders(draft)
        draft.replace(target.absolute())
        sqlite_copies.flush(target.absolute().parent)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    finally:
        db.close()
    return manifest


def read_manifest(source: Path) -> Manifest:
    """Read what a backup says of itself; raises Refused when it is none or of another format."""
    try:
        found: dict[str, Any] = json.loads((source / MANIFEST).read_text("utf-8"))
        files = {str(path): (int(size), str(sha)) for path, (size, sha) in found["files"].items()}
        manifest = Manifest(**{**found, "files": files})
    except FileNotFoundError:
        raise Refused(f"{source} is no backup: it has no {MANIFEST}") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Refused(f"{source / MANIFEST} cannot be read: {error}") from error
    if manifest.format != FORMAT or manifest.kind not in DATABASE_FILES:
        raise Refused(
            f"{source} has the format {manifest.format} ({manifest.kind}), which this program does"
            f" not know: use version {manifest.program} of it"
        )
    return manifest


def check_files(source: Path, manifest: Manifest) -> None:
    """Compare every file with the manifest; raises Refused with what is wrong."""
    if DATABASE_FILES[manifest.kind] not in manifest.files:
        raise Refused(f"{source / MANIFEST} names no database")
    for name, stated in manifest.files.items():
        path = source / name
        if Path(name).is_absolute() or ".." in Path(name).parts or path.is_symlink():
            raise Refused(f"{source / MANIFEST} names a file outside the backup: {name}")
        if not path.is_file():
            raise Refused(f"{path} is missing: the backup is not whole")
        if _described(path) != stated:
            raise Refused(f"{path} is not what was saved: its size or its checksum differs")


def files_below(folder: Path) -> Iterator[Path]:
    """List the plain files of a folder that are there to stay, as paths relative to it."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not path.is_symlink() and relative.parts[0] != _PASSING:
            yield relative


def photos_folder(settings: Settings) -> Path:
    """Name the folder of photos."""
    return settings.photos_dir


def _fill(draft: Path, db: Database, settings: Settings) -> Manifest:
    kind = "sqlite" if db.is_sqlite else "postgresql"
    file = draft / DATABASE_FILES[kind]
    rows, schema = _save_sqlite(db, file) if db.is_sqlite else _save_postgresql(db, file)
    _copy_photos(photos_folder(settings), draft / PHOTOS)
    names = [name for name in files_below(draft) if name != Path(MANIFEST)]
    return Manifest(
        format=FORMAT,
        program=version("fbali-oms"),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - told to people.
        kind=kind,
        schema=schema,
        rows=rows,
        files={str(name): _described(draft / name) for name in names},
    )


def _save_sqlite(db: Database, file: Path) -> tuple[dict[str, int], list[str]]:
    sqlite_copies.save(db, file)
    copy = Database(f"sqlite:///{file}")
    with copy.session():
        counted = soundness.row_counts(copy), copy.applied_migrations()
    copy.close()
    sqlite_copies.settle(file)
    file.chmod(0o600)
    return counted


def _save_postgresql(db: Database, file: Path) -> tuple[dict[str, int], list[str]]:
    counted: list[tuple[dict[str, int], list[str]]] = []

    def read() -> None:
        counted.append((soundness.row_counts(db), db.applied_migrations()))

    postgresql_copies.save(db, file, read)
    file.chmod(0o600)
    return counted[0]


def _copy_photos(source: Path, target: Path) -> None:
    if not source.is_dir():
        return
    for name in files_below(source):
        (target / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            shutil.copyfile(source / name, target / name)
        except FileNotFoundError:  # Nothing has named it for days: it was cleared away meanwhile.
            (target / name).unlink(missing_ok=True)
            continue
        (target / name).chmod(0o600)
        sqlite_copies.flush(target / name)


def _described(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def _write_durably(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    sqlite_copies.flush(path)


def _sync_folders(root: Path) -> None:
    for path in (root, *(path for path in root.rglob("*") if path.is_dir())):
        sqlite_copies.flush(path)
