-- The types in braces differ between SQLite and PostgreSQL and are filled in by storage/dialects.py.

CREATE TABLE photo_file (
    id TEXT NOT NULL PRIMARY KEY,
    size INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    thumbnail_id TEXT REFERENCES photo_file (id),
    unused_since_at {bigint}
);

CREATE INDEX photo_file_thumbnail_id ON photo_file (thumbnail_id);

CREATE INDEX photo_file_unused ON photo_file (unused_since_at) WHERE unused_since_at IS NOT NULL;

CREATE TABLE photo (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    case_id TEXT NOT NULL REFERENCES after_sales_case (id),
    file_id TEXT NOT NULL REFERENCES photo_file (id),
    uploader TEXT NOT NULL,
    file_name TEXT NOT NULL,
    source_sha256 TEXT NOT NULL,
    created_at {bigint} NOT NULL
);

CREATE INDEX photo_case_id_id ON photo (case_id, id);

CREATE INDEX photo_file_id ON photo (file_id);

CREATE TABLE photo_upload (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    case_id TEXT NOT NULL REFERENCES after_sales_case (id),
    uploader TEXT NOT NULL,
    state TEXT NOT NULL,
    file_name TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    committed INTEGER NOT NULL,
    problem TEXT,
    photo_id TEXT NOT NULL,
    created_at {bigint} NOT NULL,
    CHECK (state IN ('RECEIVING', 'FINISHED', 'REFUSED')),
    CHECK (problem IN ('PHOTO_TYPE_UNSUPPORTED', 'PHOTO_TOO_MANY_PIXELS', 'PHOTO_ANIMATED', 'PHOTO_UNREADABLE', 'PHOTO_TOO_COMPLEX')),
    CHECK (committed >= 0 AND committed <= 10485760)
);

CREATE INDEX photo_upload_case_id_uploader ON photo_upload (case_id, uploader);

CREATE INDEX photo_upload_created_at ON photo_upload (created_at);
