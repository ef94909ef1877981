"""Shows the photos of a case."""

from collections.abc import Iterable, Iterator

from fbali.cli.document import Block, Cell, Column, Table
from fbali.cli.views.values import last_part, moment
from fbali.v1.photo_pb2 import Photo


def photos_of_case(photos: Iterable[Photo]) -> Iterator[Block]:
    """List photos, oldest first."""
    rows: list[list[Cell]] = [
        [
            photo.file_name,
            f"{photo.width} x {photo.height}",
            f"{photo.size_bytes / 1024:.0f} KiB",
            photo.uploader,
            moment(photo, "create_time"),
            last_part(photo.name),
        ]
        for photo in photos
    ]
    columns = [
        Column("FILE", flexible=True),
        Column("PIXELS"),
        Column("SIZE", right=True, spare=2),
        Column("FROM", spare=3),
        Column("ADDED", spare=1),
        Column("ID"),
    ]
    yield Table(columns, rows, "No photos. Send some with: fbali aftersales attach CASE FILE...")
