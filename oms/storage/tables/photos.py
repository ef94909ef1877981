"""Photos of cases, the uploads they come by, and the files they are kept in."""

from peewee import SQL, BigIntegerField, Check, IntegerField, TextField

from oms.domain.photos import PHOTO_BYTES_MAX, PhotoProblem, UploadState
from oms.storage.tables.columns import Table, one_of, refers_to


class PhotoFileRow(Table):
    """A file of the photo storage; its id is the SHA-256 of its bytes.

    While nothing refers to it, `unused_since_at` says since when, and it is removed after a while.
    """

    id = TextField(primary_key=True)
    size = IntegerField()
    width = IntegerField()
    height = IntegerField()
    thumbnail_id = TextField(null=True, constraints=[SQL("REFERENCES photo_file (id)")])
    unused_since_at = BigIntegerField(null=True)

    class Meta:
        table_name = "photo_file"
        indexes = ((("thumbnail_id",), False),)


PhotoFileRow.add_index(
    SQL(
        "CREATE INDEX photo_file_unused ON photo_file (unused_since_at)"
        " WHERE unused_since_at IS NOT NULL"
    )
)


class PhotoRow(Table):
    """A photo of a case."""

    id = TextField(primary_key=True)
    merchant_id = TextField()
    case_id = refers_to("after_sales_case")
    file_id = refers_to("photo_file")
    uploader = TextField()
    file_name = TextField()
    source_sha256 = TextField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "photo"
        indexes = ((("case_id", "id"), False), (("file_id",), False))


class PhotoUploadRow(Table):
    """A photo on its way."""

    id = TextField(primary_key=True)
    merchant_id = TextField()
    case_id = refers_to("after_sales_case")
    uploader = TextField()
    state = TextField()
    file_name = TextField()
    size = IntegerField()
    sha256 = TextField()
    committed = IntegerField()
    problem = TextField(null=True)
    photo_id = TextField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "photo_upload"
        indexes = ((("case_id", "uploader"), False), (("created_at",), False))
        constraints = (
            one_of("state", UploadState),
            one_of("problem", PhotoProblem),
            Check(f"committed >= 0 AND committed <= {PHOTO_BYTES_MAX}"),
        )
