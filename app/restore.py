"""Put a backup back: checked before anything is touched, proven before anything is replaced."""

import os
import shutil
from pathlib import Path
from secrets import token_hex

from app.backup import (
    DATABASE_FILES,
    PHOTOS,
    Manifest,
    check_files,
    files_below,
    photos_folder,
    read_manifest,
)
from oms import bootstrap
from oms.domain.errors import Refused
from oms.settings import Settings
from oms.storage import postgresql_copies, soundness, sqlite_copies
from oms.storage.database import Database, known_migrations


def restore_backup(settings: Settings, source: Path, *, is_forced: bool) -> Manifest:
    """Replace database and photos by those of a backup; the database wholly or not at all.

    Photos that are here and not in the backup stay. Afterwards jobs that ran when the backup was
    made can be claimed at once, and nobody holds anything.

    Raises:
        Refused: the backup is not whole, of another kind or newer; there is data and `is_forced` is
            not set; a process uses the database; or what was put back is not sound. Nothing was
            replaced.
    """
    manifest = read_manifest(source)
    db = bootstrap.open_database(settings)
    try:
        _require_fit(source, manifest, db)
        check_files(source, manifest)
        is_there = db.file is None or db.file.exists()  # Looking would make an empty file.
        if not is_forced and is_there and soundness.has_data(db):
            raise Refused(
                f"there is data in {bootstrap.where(settings)}: --force replaces all of it"
            )
        _copy_photos(source / PHOTOS, photos_folder(settings))
        file = source / DATABASE_FILES[manifest.kind]
        if db.file is not None:
            db.close()
            _replace_file(file, db.file, manifest)
        else:
            with postgresql_copies.replaced(db, file):
                _finish(db, manifest)
    finally:
        db.close()
    return manifest


def _require_fit(source: Path, manifest: Manifest, db: Database) -> None:
    kind = "sqlite" if db.is_sqlite else "postgresql"
    if manifest.kind != kind:
        raise Refused(
            f"{source} is a backup of {manifest.kind}, and FBALI_DATABASE_URL names {kind}"
        )
    unknown = sorted(set(manifest.schema) - set(known_migrations()))
    if unknown:
        raise Refused(
            f"{source} is newer than this program (it has {', '.join(unknown)}): upgrade to version"
            f" {manifest.program} first"
        )


def _replace_file(file: Path, target: Path, manifest: Manifest) -> None:
    """Prove a copy beside the target, then put it in its place."""
    draft = target.with_name(f".{target.name}.{token_hex(4)}")
    try:
        shutil.copyfile(file, draft)
        draft.chmod(0o600)
        copy = Database(f"sqlite:///{draft}")
        try:
            _finish(copy, manifest)
        finally:
            copy.close()
        sqlite_copies.settle(draft)
        sqlite_copies.put_in_place(draft, target)
    finally:
        for left in target.parent.glob(f"{draft.name}*"):
            left.unlink()


def _finish(db: Database, manifest: Manifest) -> None:
    """Prove what was put back, and let work begin anew; raises Refused."""
    with db.session():
        found = soundness.row_counts(db)
    if found != manifest.rows:
        wrong = sorted(
            name for name in {*found, *manifest.rows} if found.get(name) != manifest.rows.get(name)
        )
        raise Refused(f"other rows came back than were saved: in {', '.join(wrong)}")
    problems = soundness.problems(db)
    if problems:
        raise Refused(f"what was saved is not sound: {'; '.join(problems)}")
    with db.transaction():
        soundness.begin_anew(db)


def _copy_photos(source: Path, target: Path) -> None:
    if not source.is_dir():
        return
    for name in files_below(source):
        path = target / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{token_hex(4)}")
        try:
            shutil.copyfile(source / name, draft)
            draft.chmod(0o600)
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
