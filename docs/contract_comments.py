"""Reads the comments of the protos, which compiled descriptors do not keep."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc

from protos.generate import OWN, VENDORED, google_protos


def comment_of(item: object) -> str:
    """Give the comment of a descriptor of the contract, on one line, empty if it has none."""
    return _comments().get(_full_name(item), "")


def _full_name(item: object) -> str:
    name = getattr(item, "full_name", None)
    if name is not None:
        return str(name)
    value = item  # A value of an enum: its own full name leaves the enum out.
    return f"{value.type.full_name}.{value.name}"  # type: ignore[attr-defined]


@cache
def _comments() -> Mapping[str, str]:
    """Read every comment of the protos, by the full name of what it is about."""
    return dict(pair for file in _files() for pair in _comments_of(file))


def _comments_of(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    for location in file.source_code_info.location:
        text = " ".join(location.leading_comments.split())
        if text:
            yield _name_at(file, list(location.path)), text


def _name_at(file: FileDescriptorProto, path: list[int]) -> str:
    names, node = [file.package], file
    while path:
        field = node.DESCRIPTOR.fields_by_number[path.pop(0)]
        if not path or not field.is_repeated:
            return ".".join([*names, field.name])
        node = getattr(node, field.name)[path.pop(0)]
        names.append(node.name)
    return ".".join(names)


def _files() -> Iterable[FileDescriptorProto]:
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image.binpb"
        arguments = [
            "protoc",
            *(f"--proto_path={path}" for path in (OWN, VENDORED, *google_protos())),
            "--include_source_info",
            f"--descriptor_set_out={image}",
            *(str(path.relative_to(OWN)) for path in sorted(OWN.rglob("*.proto"))),
        ]
        if protoc.main(arguments):
            raise SystemExit(1)
        return FileDescriptorSet.FromString(image.read_bytes()).file
