"""Photos while servers are killed: a real API process on the same database and the same folder."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.demo.server_process import choose_port
from fbali import errors
from fbali.client import Client
from fbali.v1.admin_service_pb2 import GetServerInfoRequest
from fbali.v1.after_sales_service_pb2 import (
    CreateUploadRequest,
    ListPhotosRequest,
    WriteUploadChunkRequest,
)
from oms.domain.photos import CHUNK_BYTES_MAX
from tests.functional.estate import Estate
from tests.services.pictures import photo_of_size
from tests.services.stack import Stack, wait_for

KILLS = 4


class ApiProcess:
    """`fbali-server api`, started again on the same port after each kill."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.port = choose_port(0)
        self.starts = 0
        self._environment = {
            **os.environ,
            "FBALI_DATA_DIR": str(folder),
            "FBALI_DATABASE_URL": stack.db.url,
            "FBALI_PHOTOS_URL": stack.settings.photos_url,
            "FBALI_LISTEN": f"127.0.0.1:{self.port}",
        }
        self.start()

    def start(self) -> None:
        self.starts += 1
        self._process = subprocess.Popen(
            [sys.executable, "-m", "app.main", "api"],
            env=self._environment,
            stderr=subprocess.DEVNULL,
        )

    def peak_mib(self) -> int:
        """Tell the most memory that the process had so far."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) // 1024

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


@pytest.fixture
def api(stack: Stack, tmp_path: Path) -> Iterator[ApiProcess]:
    process = ApiProcess(stack, tmp_path)
    yield process
    process.kill()


def test_upload_outlives_servers_that_are_killed(stack: Stack, estate: Estate, api: ApiProcess):
    """The server dies after every so many bytes, and once while it reads the picture."""
    data = photo_of_size(6_000_000)
    sent: list[int] = []
    deaths = [1_000_000, 2_500_000, 4_000_000, len(data)]
    killers: list[threading.Timer] = []

    def die_on_the_way(committed: int, _size: int) -> None:
        sent.append(committed)
        if deaths and committed >= deaths[0]:
            deaths.pop(0)
            # At the end in a moment, so that it is the decoding that is hit.
            killers.append(threading.Timer(0.2 if not deaths else 0.0, revive))
            killers[-1].start()

    def revive() -> None:
        api.kill()
        api.start()

    source = stack.settings.data_dir / "six.jpg"
    source.write_bytes(data)
    with Client(f"127.0.0.1:{api.port}", token=stack.merchant.secret) as client:
        photo = client.upload_photo(estate.drafted, source, progress=die_on_the_way)
    for killer in killers:
        killer.join()

    shown = stack.merchant.call(ListPhotosRequest(parent=estate.drafted)).photos
    assert [item.name for item in shown if item.file_name == "six.jpg"] == [photo.name]
    assert (api.starts, sent) == (1 + KILLS, sorted(sent))
    assert photo.size_bytes == len(stack.oms.photos.read(photo.sha256, 0, 20_000_000))
    assert stack.oms.photos.uploads("") == []


def test_killed_client_goes_on_where_it_stopped(stack: Stack, estate: Estate, tmp_path: Path):
    """Another process of the merchant's, killed in the middle, then started again."""
    source = tmp_path / "four.jpg"
    source.write_bytes(photo_of_size(4_000_000))
    script = (
        "import sys, time\n"
        "from fbali.client import Client\n"
        "def slow(sent, size):\n"
        "    print(sent, flush=True)\n"
        "    time.sleep(float(sys.argv[5]))\n"
        "client = Client(sys.argv[1], token=sys.argv[2])\n"
        "print(client.upload_photo(sys.argv[3], sys.argv[4], progress=slow).name)\n"
    )
    arguments = [f"127.0.0.1:{stack.api.port}", stack.merchant.secret, estate.drafted, str(source)]
    command = [sys.executable, "-c", script, *arguments]
    with subprocess.Popen([*command, "0.3"], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        seen = [int(first.stdout.readline()) for _ in range(4)]
        first.kill()

    done = subprocess.run([*command, "0"], capture_output=True, text=True, check=True)

    lines = done.stdout.split()
    assert seen[0] == 0
    assert int(lines[0]) >= seen[-1] > 0
    names = [
        item.name for item in stack.merchant.call(ListPhotosRequest(parent=estate.drafted)).photos
    ]
    assert names.count(lines[-1]) == 1


def test_servers_killed_at_random_while_many_send_lose_and_double_nothing(
    stack: Stack, estate: Estate, api: ApiProcess
):
    seed = 20261123
    chance = random.Random(seed)
    done = threading.Event()

    def kill_now_and_then() -> None:
        while not done.wait(chance.uniform(1.0, 2.5)) and api.starts <= KILLS:
            api.kill()
            api.start()

    killer = threading.Thread(target=kill_now_and_then)
    killer.start()
    expected = {}
    with Client(f"127.0.0.1:{api.port}", token=stack.merchant.secret) as client:
        for index in range(6):
            source = stack.settings.data_dir / f"{index}.jpg"
            source.write_bytes(photo_of_size(700_000 + index))
            started = time.monotonic()
            expected[f"{index}.jpg"] = client.upload_photo(estate.drafted, source).name
            assert time.monotonic() - started < 60
    done.set()
    killer.join()

    shown = stack.merchant.call(ListPhotosRequest(parent=estate.drafted)).photos
    assert {item.file_name: item.name for item in shown if item.file_name} == expected
    assert len(shown) == 7
    assert all(stack.oms.photos.has(item.sha256) for item in shown)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is told by /proc")
def test_upload_of_a_gigabyte_is_cut_off_and_costs_no_memory(
    stack: Stack, estate: Estate, api: ApiProcess
):
    """A hostile client does not stop where it is told to."""
    chunk = bytes(CHUNK_BYTES_MAX)
    reasons: Counter[str] = Counter()
    with Client(f"127.0.0.1:{api.port}", token=stack.merchant.secret) as client:
        wait_for(lambda: is_served(client))
        begin = CreateUploadRequest(parent=estate.drafted)
        name = client.after_sales.CreateUpload(begin).upload.name
        before = api.peak_mib()
        for index in range(1024):
            request = WriteUploadChunkRequest(
                name=name, offset=index * len(chunk), data=chunk, crc32=zlib.crc32(chunk)
            )
            try:
                client.after_sales.WriteUploadChunk(request)
                reasons["taken"] += 1
            except errors.FbaliError as refusal:
                reasons[refusal.code] += 1

    assert reasons == {"taken": 10, "RESOURCE_EXHAUSTED": 1, "FAILED_PRECONDITION": 1013}
    assert api.peak_mib() - before < 64


def is_served(client: Client) -> bool:
    try:
        client.admin.GetServerInfo(GetServerInfoRequest())
    except errors.Unavailable:
        return False
    return True
