"""Dramatiq workers: broker, thin actors, relay and schedule."""
