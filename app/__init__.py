"""The operator's command, `fbali-server`."""
