"""Generate the Python stubs of the protos into client/src, or check that they are fresh.

The folder of a proto is its package and its import path, so nothing generated needs a patch. The
google protos come with grpcio-tools and googleapis-common-protos and are not generated again.
"""

import argparse
import filecmp
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
OWN = ROOT / "protos"
VENDORED = ROOT / "third_party"
STUBS = ROOT / "client" / "src"

DOCSTRINGS = {
    Path("buf"): "Generated code of Buf's protos.",
    Path("buf/validate"): "The validation rules that the contract is annotated with.",
    Path("fbali/v1"): "The contract, generated from protos/fbali/v1.",
}


def main() -> int:
    """Write the stubs, or with --check compare them with what would be written."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    if not parser.parse_args().check:
        generate(STUBS)
        return 0

    stale = stale_stubs()
    for path in stale:
        print(f"client/src/{path} is not fresh; run `make protos`", file=sys.stderr)
    return 1 if stale else 0


def stale_stubs() -> list[Path]:
    """List the committed stubs that are missing, left over or different, relative to client/src."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        generate(fresh)
        paths = set(generated_files(fresh)) | set(generated_files(STUBS))
        return sorted(path for path in paths if not is_same_file(fresh / path, STUBS / path))


def generate(target: Path) -> None:
    """Replace the generated packages below a folder."""
    for path in list(generated_files(target)):
        (target / path).unlink()

    compile_protos(OWN, target, with_services=True)
    compile_protos(VENDORED, target, with_services=False)
    for package, docstring in DOCSTRINGS.items():
        (target / package / "__init__.py").write_text(f'"""{docstring}"""\n', encoding="utf-8")


def compile_protos(source: Path, target: Path, *, with_services: bool) -> None:
    """Compile every proto below a folder, or stop the program with what protoc says."""
    scripts = Path(sysconfig.get_path("scripts"))
    arguments = [
        "protoc",
        *(f"--proto_path={folder}" for folder in (OWN, VENDORED, *google_protos())),
        f"--plugin=protoc-gen-mypy={scripts / 'protoc-gen-mypy'}",
        f"--plugin=protoc-gen-mypy_grpc={scripts / 'protoc-gen-mypy_grpc'}",
        f"--python_out={target}",
        f"--mypy_out=quiet:{target}",
    ]
    if with_services:
        arguments += [f"--grpc_python_out={target}", f"--mypy_grpc_out=quiet:{target}"]
    protos = sorted(str(path.relative_to(source)) for path in source.rglob("*.proto"))
    if protoc.main(arguments + protos):
        raise SystemExit(1)


def google_protos() -> tuple[Path, Path]:
    """Give the folders that hold google/protobuf, and google/rpc and google/type."""
    return Path(str(files("grpc_tools") / "_proto")), Path(sysconfig.get_path("purelib"))


def generated_files(folder: Path) -> Iterator[Path]:
    """List what a former run wrote, relative to the folder."""
    for package in DOCSTRINGS:
        for path in (folder / package).glob("*.py*"):
            yield path.relative_to(folder)


def is_same_file(left: Path, right: Path) -> bool:
    """Tell whether both files exist and hold the same bytes."""
    return left.is_file() and right.is_file() and filecmp.cmp(left, right, shallow=False)


if __name__ == "__main__":
    sys.exit(main())
