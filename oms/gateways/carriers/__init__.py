"""Carriers and tracking services that tell where a parcel is."""
