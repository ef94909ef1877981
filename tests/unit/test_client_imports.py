"""A program imports the client quickly, and without what only the command line needs."""

import subprocess
import sys

import pytest

import fbali

IMPORT_MS_MAX = 150
TRIES = 5  # The fastest counts.

WITHOUT_CLI = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"click", "rich", "matplotlib", "pygments"}:
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
"""


def python(code, *options):
    done = subprocess.run(
        [sys.executable, *options, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout + done.stderr


def test_every_public_name_is_there_without_the_command_line():
    names = [*fbali.__all__, "aio.Client", "aio.Watch"]
    each = "".join(f"fbali.{name}\n" for name in names)

    assert python(f"{WITHOUT_CLI}\nimport fbali\n{each}print('all')") == "all\n"


def test_client_works_without_the_command_line():
    """Everything that it loads later is there too."""
    lazily = ["orders", "hosting", "fulfillment", "after_sales", "admin"]
    code = f"""{WITHOUT_CLI}
import asyncio, fbali, fbali.photos, fbali.order_files
with fbali.Client() as client:
    print(*[getattr(client, name) for name in {lazily}])
async def main():
    async with fbali.aio.Client() as client:
        print(*[getattr(client, name) for name in {lazily}])
asyncio.run(main())
"""

    assert python(code).count("ServiceStub") == 10


def test_name_of_the_package_loads_nothing():
    heavy = {"grpc", "asyncio", "google.protobuf", "fbali.client", "fbali.aio", "click", "rich"}

    loaded = python("import sys, fbali; print(*sys.modules)").split()

    assert heavy & set(loaded) == set()


def test_blocking_client_does_not_load_the_one_on_asyncio():
    loaded = python("import sys; from fbali import Client; print(*sys.modules)").split()

    assert not [name for name in loaded if name.startswith("fbali.aio")]
    assert not [name for name in loaded if name.endswith("_service_pb2")]


@pytest.mark.parametrize("code", ["import fbali", "from fbali import Client", "import fbali.aio"])
def test_import_is_quick(code):
    fastest = min(import_ms(code) for _ in range(TRIES))

    assert fastest < IMPORT_MS_MAX


def import_ms(code):
    """Measure the processor's time of an import: what else the machine does is not the client's."""
    timed = f"import time; start = time.process_time(); {code}; print(time.process_time() - start)"

    return float(python(timed)) * 1000
