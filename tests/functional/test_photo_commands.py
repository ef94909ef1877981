"""`fbali aftersales attach` and `photos` against the real server."""

import json
from pathlib import Path

import pytest

from fbali.cli.main import run
from tests.functional.estate import Estate, last_id
from tests.services.command_line import environment_of
from tests.services.pictures import corners, photo, quarters, with_secrets
from tests.services.stack import Stack


@pytest.fixture
def environment(stack: Stack, tmp_path: Path):
    server = f"127.0.0.1:{stack.api.port}"
    return environment_of(tmp_path, FBALI_SERVER=server, FBALI_TOKEN=stack.merchant.secret)


def test_photos_are_attached_shown_and_saved(
    estate: Estate, environment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    case, folder = last_id(estate.drafted), tmp_path / "evidence"
    files = [tmp_path / "box.jpg", tmp_path / "label.jpg"]
    files[0].write_bytes(photo(1))
    files[1].write_bytes(with_secrets(corners(), orientation=3))

    assert run(["aftersales", "attach", case, *map(str, files), "-o", "json"], environment) == 0
    added = json.loads(capsys.readouterr().out)["photos"]
    assert run(["aftersales", "photos", case, "--save", str(folder)], environment) == 0
    shown = capsys.readouterr()

    assert [item["file_name"] for item in added] == ["box.jpg", "label.jpg"]
    ids = [last_id(item["name"]) for item in added]
    assert {f"{name}.jpg" for name in ids} <= {path.name for path in folder.iterdir()}
    assert len(list(folder.iterdir())) == 3  # The estate has one already.
    saved = (folder / f"{ids[1]}.jpg").read_bytes()
    assert quarters(saved) == ["white", "blue", "green", "red"]
    assert b"SECRET" not in saved
    assert "label.jpg" in shown.out
    assert "saved" in shown.err


def test_refused_file_is_told_with_its_reason(
    estate: Estate, environment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    page = tmp_path / "page.jpg"
    page.write_text("<!doctype html>")

    code = run(["aftersales", "attach", last_id(estate.drafted), str(page)], environment)

    assert code != 0
    told = capsys.readouterr().err
    assert "page.jpg was not attached; 0 before it were" in told
    assert "no JPEG, PNG or WebP" in told
