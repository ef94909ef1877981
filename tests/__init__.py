"""Tests of FbAli OMS, layered by what they need to run."""
