"""Checks of an installation, each by itself and with a bound of time; nothing is changed."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from app.backup import photos_folder
from app.findings import Finding, Verdict, discretion, ok
from oms import bootstrap
from oms.domain.errors import FbaliError, NotFound
from oms.gateways.clock import SystemClock
from oms.gateways.machine import LinuxMachine
from oms.settings import Settings
from oms.storage import diagnosis, processes
from oms.storage.database import Database
from oms.storage.diagnosis import Trouble
from workers.diagnosis import look_at_broker

CHECK_SECONDS_MAX: Final = 15.0  # PostgreSQL and Redis have bounds of their own below this.
WAITS_WARN_MS: Final = 60_000
WAITS_FAIL_MS: Final = 600_000
DUE_WARN_MS: Final = 15_000  # A relay that lives hands on what is due within 10 s.
DUE_FAIL_MS: Final = 120_000
SKEW_WARN_MS: Final = 2_000
FREE_WARN_BYTES: Final = 2 * 1024**3
FREE_FAIL_BYTES: Final = 256 * 1024**2

Outcome = tuple[Verdict, str, str]


class Doctor:
    """Looks at one installation."""

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet."""
        self._settings = settings
        self._tell = discretion(settings)
        self._local = SystemClock()
        self._beside = LinuxMachine()

    def examine(self, seconds_max: float = CHECK_SECONDS_MAX) -> list[Finding]:
        """Run every check; those that need the database are left when it cannot be asked."""
        found = [self._run(name, check, seconds_max) for name, check in self._machine().items()]
        for name, check in (("database", self._database), ("schema", self._schema)):
            found.append(self._run(name, check, seconds_max))
            if found[-1].verdict == Verdict.FAIL:
                return found
        return found + [self._run(name, check, seconds_max) for name, check in self._work().items()]

    def _machine(self) -> Mapping[str, Callable[[], Outcome]]:
        return {
            "files": self._files,
            "disk": self._disk,
            "broker": self._broker,
        }

    def _work(self) -> Mapping[str, Callable[[], Outcome]]:
        return {
            "clock": self._clock,
            "processes": self._processes,
            "queue": self._queue,
            "oldest due job": self._oldest_due,
            "quarantined jobs": self._quarantined,
            "syncs": self._syncs,
            "write-backs": self._write_backs,
        }

    def _run(self, name: str, check: Callable[[], Outcome], seconds_max: float) -> Finding:
        """Run a check in a thread that is left behind when it takes too long."""
        answers: list[Outcome] = []

        def run() -> None:
            try:
                answers.append(check())
            except FbaliError as error:
                answers.append((Verdict.FAIL, _with_cause(error), "see that it runs and answers"))
            except Exception as error:  # noqa: BLE001 - a check that breaks is a finding.
                answers.append((Verdict.FAIL, f"{type(error).__name__}: {error}", ""))

        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        thread.join(seconds_max)
        late = (Verdict.FAIL, f"no answer within {seconds_max:g} s", "see that it runs and answers")
        verdict, found, advice = answers[0] if answers else late
        return Finding(name, verdict, self._tell(found), self._tell(advice))

    # --- The machine --------------------------------------------------------------------------

    def _files(self) -> Outcome:
        home = self._settings.data_dir
        # Inside a folder that is closed to others, nobody reaches anything.
        closed = home if home.is_dir() and not _is_open(home) else None
        reachable = [
            path
            for path in self._kept_files()
            if _is_open(path) and not (closed and path.is_relative_to(closed))
        ]
        if reachable:
            words = f"other users may read or write {', '.join(map(str, reachable))}"
            advice = f"chmod -R go= {home} {reachable[0]}: there are store credentials"
            return Verdict.FAIL, words, advice
        if home.is_dir() and closed is None:
            return Verdict.WARN, f"other users may look into {home}", f"chmod 700 {home}"
        return ok(f"{home} is its owner's alone" if closed else f"{home} is not there yet")

    def _kept_files(self) -> list[Path]:
        kept = [photos_folder(self._settings)]
        file = self._database_file()
        if file is not None:
            kept += [file, file.with_name(f"{file.name}-wal")]
        return [path for path in kept if path.exists()]

    def _database_file(self) -> Path | None:
        is_file = self._settings.database_url.startswith("sqlite")
        return Path(bootstrap.where(self._settings)) if is_file else None

    def _disk(self) -> Outcome:
        file = self._database_file()
        folders = {
            self._settings.data_dir,
            *([file.parent] if file else []),
            self._settings.photos_dir,
        }
        folder = min(map(_existing, sorted(folders)), key=lambda path: shutil.disk_usage(path).free)
        usage = shutil.disk_usage(folder)
        words = f"{usage.free / 1024**3:.1f} GB free of {usage.total / 1024**3:.1f} at {folder}"
        return _graded(
            usage.free,
            (FREE_WARN_BYTES, FREE_FAIL_BYTES),
            words,
            "make room: a full disk refuses writes",
        )

    def _broker(self) -> Outcome:
        state = look_at_broker(self._settings)
        if state.is_away:
            return Verdict.FAIL, state.words, "see that Redis runs; until then no job is begun"
        if state.may_lose:
            return Verdict.FAIL, state.words, "set maxmemory-policy of this Redis to noeviction"
        if state.is_hidden:
            return Verdict.WARN, state.words, "see yourself that maxmemory-policy is noeviction"
        return ok(state.words)

    # --- The database -------------------------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[Database]:
        db = bootstrap.open_existing(self._settings)
        try:
            with db.session():
                yield db
        finally:
            db.close()

    def _database(self) -> Outcome:
        started = time.monotonic()
        try:
            with self._reading() as db:
                db.one("SELECT 1")
        except NotFound as error:
            return Verdict.FAIL, error.message, "run `fbali-server init`"
        spent_ms = (time.monotonic() - started) * 1000
        return ok(f"answers in {spent_ms:.0f} ms: {bootstrap.where(self._settings)}")

    def _schema(self) -> Outcome:
        with self._reading() as db:
            try:
                bootstrap.require_schema(db)
            except bootstrap.SchemaError as error:
                found, _, advice = str(error).partition("): ")
                return Verdict.FAIL, f"{found})", advice
            return ok(f"{db.applied_migrations()[-1]}, as this program needs it")

    def _clock(self) -> Outcome:
        with self._reading() as db:
            if db.is_sqlite:
                return ok("one machine has one clock")
            before_ms = self._local.now_ms()
            server_ms = db.server_now_ms()
            skew_ms = server_ms - (before_ms + self._local.now_ms()) // 2
        words = f"this host is {abs(skew_ms)} ms {'behind' if skew_ms > 0 else 'ahead of'}"
        words += " PostgreSQL"
        if abs(skew_ms) > SKEW_WARN_MS:
            return Verdict.WARN, words, "let NTP set the clocks; leases count by PostgreSQL's"
        return ok(words)

    # --- The work -----------------------------------------------------------------------------

    def _processes(self) -> Outcome:
        with self._reading() as db:
            seen = processes.living(db, self._due_now_ms(db))
        living = [process for process in seen if not self._beside.has_ended(process.life)]
        kinds = [kind for process in living for kind in process.kind.split(",")]
        words = f"{kinds.count('worker')} workers, {kinds.count('scheduler')} schedulers"
        problems = sorted({process.problem for process in living if process.problem})
        missing = sorted({"worker", "scheduler"} - set(kinds))
        if missing:
            advice = f"start `fbali-server run`, or {' and '.join(missing)}: jobs wait"
            return Verdict.FAIL, words, advice
        if problems:
            return Verdict.FAIL, f"{words}: {'; '.join(problems)}", "see the broker"
        return ok(words)

    def _due_now_ms(self, db: Database) -> int:
        """Tell the time by which jobs are due."""
        return self._local.now_ms() if db.is_sqlite else db.server_now_ms()

    def _queue(self) -> Outcome:
        with self._reading() as db:
            now_ms = self._due_now_ms(db)
            found = diagnosis.queue(db, now_ms)
        if not found.waiting or found.waits_since is None:
            return ok("nothing waits")
        age_ms = now_ms - found.waits_since
        words = f"{found.waiting} jobs wait, the longest for {_span(age_ms)}"
        return _graded(-age_ms, (-WAITS_WARN_MS, -WAITS_FAIL_MS), words, "start more workers")

    def _oldest_due(self) -> Outcome:
        with self._reading() as db:
            now_ms = self._due_now_ms(db)
            due = diagnosis.queue(db, now_ms).oldest_due
        if due is None:
            return ok("none is due")
        job_id, kind, due_at = due
        words = f"{kind} jobs/{job_id} is due for {_span(now_ms - due_at)}"
        advice = "no worker hands on what is due: see that one runs, and its log"
        return _graded(due_at - now_ms, (-DUE_WARN_MS, -DUE_FAIL_MS), words, advice)

    def _quarantined(self) -> Outcome:
        advice = "`fbali jobs list --state quarantined`, then retry or discard them"
        return self._trouble(diagnosis.quarantined_jobs, "given up", advice)

    def _syncs(self) -> Outcome:
        advice = "`fbali stores show STORE` says why"
        return self._trouble(diagnosis.failing_syncs, "stores fail", advice)

    def _write_backs(self) -> Outcome:
        advice = "merchants: `fbali write-backs list --state failed` says why; retry them there"
        return self._trouble(diagnosis.failed_write_backs, "failed", advice)

    def _trouble(self, look: Callable[[Database], Trouble], words: str, advice: str) -> Outcome:
        with self._reading() as db:
            found = look(db)
        if not found.count:
            return ok("none")
        first = ", ".join(f"{name} {word}" for name, word in found.first)
        return Verdict.WARN, f"{found.count} {words}: {first}", advice


def _graded(value: int, bounds: tuple[int, int], words: str, advice: str) -> Outcome:
    """Warn of a value at or below the first bound, fail it at or below the second."""
    warn, fail = bounds
    if value > warn:
        return ok(words)
    return Verdict.FAIL if value <= fail else Verdict.WARN, words, advice


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o077)


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that is there."""
    folder = folder.absolute()
    while not folder.is_dir():
        folder = folder.parent
    return folder


def _span(milliseconds: int) -> str:
    return str(timedelta(seconds=max(0, milliseconds) // 1000))


def _with_cause(error: FbaliError) -> str:
    """Say what the driver said; callers of the API are not told that."""
    return f"{error.message} ({error.__cause__})" if error.__cause__ else error.message
