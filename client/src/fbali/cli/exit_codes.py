"""The one table of exit codes."""

from collections.abc import Mapping
from enum import IntEnum

from fbali import errors


class ExitCode(IntEnum):
    """What the end of a command means to a script."""

    OK = 0
    ERROR = 1
    USAGE = 2
    NOT_FOUND = 3
    DENIED = 4
    CONFLICT = 5
    UNAVAILABLE = 6
    PARTLY_DONE = 7
    INTERRUPTED = 130


MEANINGS: Mapping[ExitCode, str] = {
    ExitCode.OK: "done",
    ExitCode.ERROR: "failed: an error of the server or of this program, or a sync that failed",
    ExitCode.USAGE: "the command or one of its values is wrong; nothing was done",
    ExitCode.NOT_FOUND: "there is no such thing, or it is not yours",
    ExitCode.DENIED: "no valid token, or its role may not do this",
    ExitCode.CONFLICT: "the present state does not allow it, or somebody else changed it first",
    ExitCode.UNAVAILABLE: "the server cannot be reached, is busy or did not answer in time",
    ExitCode.PARTLY_DONE: "some of many were refused; the answer says for each what was done",
    ExitCode.INTERRUPTED: "interrupted with Ctrl-C",
}

_BY_FAMILY: Mapping[type[errors.FbaliError], ExitCode] = {
    errors.InvalidInput: ExitCode.USAGE,
    errors.Unauthenticated: ExitCode.DENIED,
    errors.PermissionDenied: ExitCode.DENIED,
    errors.NotFound: ExitCode.NOT_FOUND,
    errors.AlreadyExists: ExitCode.CONFLICT,
    errors.Refused: ExitCode.CONFLICT,
    errors.Conflict: ExitCode.CONFLICT,
    errors.OutOfRange: ExitCode.CONFLICT,
    errors.ResumeTokenExpired: ExitCode.CONFLICT,
    errors.LimitExceeded: ExitCode.UNAVAILABLE,
    errors.Unavailable: ExitCode.UNAVAILABLE,
    errors.DeadlineExceeded: ExitCode.UNAVAILABLE,
    errors.ServerError: ExitCode.ERROR,
    errors.MethodUnknown: ExitCode.ERROR,
    errors.InsecureTarget: ExitCode.USAGE,
}


def exit_code_of(error: errors.FbaliError) -> ExitCode:
    """Find the code of an error's family."""
    return _BY_FAMILY.get(type(error), ExitCode.ERROR)
