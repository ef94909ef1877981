"""Documents that are made from the code, or that must name all of it."""

import re
import runpy
from dataclasses import fields
from pathlib import Path

from oms.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent


def test_state_machines_page_is_what_the_tables_say():
    script = runpy.run_path(str(ROOT / "docs" / "render_state_machines.py"))

    assert (ROOT / "docs" / "state_machines.md").read_text("utf-8") == script["render"]()


def test_reference_of_the_contract_is_what_the_protos_say():
    script = runpy.run_path(str(ROOT / "docs" / "render_api.py"))
    folder = ROOT / "docs" / "api"

    assert {path.name: path.read_text("utf-8") for path in folder.iterdir()} == script["render"]()


def test_every_setting_is_documented_and_every_documented_setting_exists():
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    documented = set(re.findall(r"`(FBALI_[A-Z_]+)`", page))

    assert documented == {f"FBALI_{field.name.upper()}" for field in fields(Settings)}
