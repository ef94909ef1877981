"""The part of `fbali aftersales` that is about photos: attach, photos."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fbali.cli import names
from fbali.cli.command import Verb, fields_option
from fbali.cli.invocation import Invocation
from fbali.cli.terminal_text import neutral

if TYPE_CHECKING:  # Loading it here would cost every help the start of protobuf.
    from fbali.v1.photo_pb2 import Photo

case_argument = click.argument("case", type=names.CASE)
READABLE_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    "attach", cls=Verb, example="fbali aftersales attach k0case broken-box.jpg label.png"
)
@case_argument
@click.argument("files", type=READABLE_FILE, nargs=-1, required=True)
@click.pass_obj
def attach(invocation: Invocation, *, case: str, files: tuple[Path, ...]) -> None:
    """Send photos into a case: JPEG, PNG or WebP, of at most 10 MiB and 40 megapixels.

    Sent again, a photo that is there already stays one, and one that broke off goes on.
    """
    from fbali.cli.views.photo_views import photos_of_case
    from fbali.v1.after_sales_service_pb2 import ListPhotosResponse

    found = ListPhotosResponse(photos=send_photos(invocation, case, files))
    invocation.answer(found, lambda: photos_of_case(found.photos))


@click.command("photos", cls=Verb, example="fbali aftersales photos k0case --save evidence")
@case_argument
@click.option(
    "--save",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write them into this folder, by their ids.",
)
@click.option("--thumbnails", is_flag=True, help="Save the small ones.")
@fields_option
@click.pass_obj
def photos(invocation: Invocation, *, case: str, folder: Path | None, thumbnails: bool) -> None:
    """List the photos of a case, and save them."""
    from fbali.cli.views.photo_views import photos_of_case
    from fbali.v1.after_sales_service_pb2 import ListPhotosRequest

    found = invocation.client.after_sales.ListPhotos(ListPhotosRequest(parent=case))
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for photo in found.photos:
            # By id: what the other party called it may be anything.
            target = folder / f"{photo.name.rpartition('/')[2]}.jpg"
            invocation.client.download_photo(photo.name, target, thumbnail=thumbnails)
            invocation.say(f"saved {target}")
    invocation.answer(found, lambda: photos_of_case(found.photos))


def send_photos(invocation: Invocation, case: str, files: Sequence[Path]) -> "list[Photo]":
    """Send files into a case, one after the other; says which one was refused."""
    from fbali.errors import FbaliError

    sent: list[Photo] = []
    for file in files:
        try:
            with _progress(invocation, file.name) as progress:
                sent.append(invocation.client.upload_photo(case, file, progress=progress))
        except FbaliError:
            invocation.say(f"{file.name} was not attached; {len(sent)} before it were")
            raise
    return sent


@contextmanager
def _progress(invocation: Invocation, name: str) -> Iterator[Callable[[int, int], None]]:
    """Draw how far a file has come, where somebody is looking."""
    if invocation.is_json or not sys.stderr.isatty():
        yield lambda _sent, _size: None
        return
    with click.progressbar(length=1, label=neutral(name), file=sys.stderr) as bar:

        def show(sent: int, size: int) -> None:
            bar.length = max(size, 1)
            bar.update(sent - bar.pos)

        yield show
