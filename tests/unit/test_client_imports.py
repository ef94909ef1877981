"""A program imports no more of the client than it uses; `make bench` says how long that takes."""

import subprocess
import sys

import fbali

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
