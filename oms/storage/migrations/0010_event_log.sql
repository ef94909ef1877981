-- The types in braces differ between SQLite and PostgreSQL and are filled in by storage/dialects.py.

ALTER TABLE event ADD COLUMN vendor_id TEXT;

ALTER TABLE event ADD COLUMN allocation_id TEXT;

CREATE INDEX event_created_at ON event (created_at);

CREATE INDEX event_merchant_id_sequence ON event (merchant_id, sequence);

CREATE INDEX event_vendor_id_sequence ON event (vendor_id, sequence) WHERE vendor_id IS NOT NULL;
