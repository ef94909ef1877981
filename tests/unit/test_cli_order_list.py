"""What is chosen on the command line is what the server is asked for."""

import pytest

from fbali.cli.main import run
from fbali.v1.hold_pb2 import HOLD_REASON_COOL_OFF
from fbali.v1.order_service_pb2 import (
    ORDER_PECULIARITY_HELD,
    ORDER_PECULIARITY_OVER_ALLOCATED,
    ORDER_PECULIARITY_UNHOSTED,
    ORDER_SORTING_OLDEST,
    ORDER_SORTING_TOTAL,
    ListOrdersRequest,
)
from tests.services.command_line import environment_of
from tests.services.sample_answers import sample_answers
from tests.services.sample_shop import TOKEN
from tests.services.scripted_server import ScriptedServer


@pytest.fixture
def server():
    with ScriptedServer(sample_answers(), TOKEN) as server:
        yield server


def asked(server, tmp_path, *options):
    environment = environment_of(tmp_path, FBALI_SERVER=server.address, FBALI_TOKEN=TOKEN)
    assert run(["orders", "list", *options], environment) == 0
    [request] = [call.request for call in server.calls if call.method.endswith("ListOrders")]
    request.ClearField("page_size")
    return request


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ([], {}),
        (["--sort", "newest"], {}),
        (["--search", "Quinn mug"], {"search": "Quinn mug"}),
        (["--country", "de"], {"region_code": "DE"}),
        (["--held"], {"peculiarity": ORDER_PECULIARITY_HELD}),
        (["--unhosted"], {"peculiarity": ORDER_PECULIARITY_UNHOSTED}),
        (["--over-allocated"], {"peculiarity": ORDER_PECULIARITY_OVER_ALLOCATED}),
        (["--hold-reason", "cool-off"], {"hold_reason": HOLD_REASON_COOL_OFF}),
        (["--sort", "oldest"], {"sorting": ORDER_SORTING_OLDEST}),
        (
            ["--sort", "total", "--search", "a", "--held"],
            {"sorting": ORDER_SORTING_TOTAL, "search": "a", "peculiarity": ORDER_PECULIARITY_HELD},
        ),
    ],
)
def test_options_of_the_list_are_fields_of_the_request(server, tmp_path, options, fields):
    request = asked(server, tmp_path, *options)

    assert request == ListOrdersRequest(parent="merchants/-", **fields)


def test_unknown_choice_is_refused_before_anything_is_asked(server, tmp_path, capsys):
    environment = environment_of(tmp_path, FBALI_SERVER=server.address, FBALI_TOKEN=TOKEN)

    assert run(["orders", "list", "--hold-reason", "mood"], environment) == 2

    assert "cool-off" in capsys.readouterr().err
    assert server.calls == []
