"""The command line `fbali`. A command loads what it needs when it runs, so that help is fast."""
