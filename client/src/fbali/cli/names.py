"""Resource names as arguments: the full name, or its last id for what is the caller's own."""

import re
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:  # Only a shell that completes needs it.
    from click.shell_completion import CompletionItem

_ID = re.compile(r"[0-9a-z]{1,40}")


class NameType(click.ParamType[str]):
    """Reads a resource name by a pattern such as merchants/-/orders/{order}."""

    def __init__(self, noun: str, pattern: str) -> None:
        """Take the noun for messages, and the pattern whose last part is the id."""
        self.name = noun
        self._prefix = pattern.rpartition("/")[0]
        self._pattern = pattern
        parts = [part if part.isalpha() else "[0-9a-z-]{1,40}" for part in pattern.split("/")]
        self._full = re.compile("/".join(parts))

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        """Give the full name."""
        text = str(value)
        if self._full.fullmatch(text):
            return text
        if not _ID.fullmatch(text):
            way = f"write {self._pattern} or the last part of it"
            self.fail(f"{text!r} is no {self.name}; {way}", param, ctx)
        return f"{self._prefix}/{text}"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> "list[CompletionItem]":
        """Suggest ids to the shell."""
        del param
        from fbali.cli.suggestions import suggest

        return suggest(ctx, self.name, incomplete)


MERCHANT = NameType("merchant", "merchants/{merchant}")
VENDOR = NameType("vendor", "vendors/{vendor}")
STORE = NameType("store", "merchants/-/stores/{store}")
ORDER = NameType("order", "merchants/-/orders/{order}")
PRODUCT = NameType("product", "merchants/-/products/{product}")
HOSTING = NameType("hosting", "merchants/-/hostings/{hosting}")
ALLOCATION = NameType("allocation", "vendors/-/allocations/{allocation}")
TOKEN = NameType("token", "tokens/{token}")
JOB = NameType("job", "jobs/{job}")
WRITE_BACK = NameType("write-back", "merchants/-/writeBacks/{write_back}")


class VariantType(click.ParamType[str]):
    """Reads a variant as its id; the product is an argument of its own."""

    name = "variant"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        """Give the last part."""
        last = last_part(str(value))
        if not _ID.fullmatch(last):
            self.fail(f"{value!r} is no variant", param, ctx)
        return last


VARIANT = VariantType()


class PartnershipType(click.ParamType[str]):
    """Reads the vendor of one of the merchant's partnerships."""

    name = "vendor"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        """Give the partnership's full name."""
        text = str(value)
        if re.fullmatch(r"merchants/[0-9a-z-]{1,40}/partnerships/[0-9a-z]{1,40}", text):
            return text
        return f"merchants/-/partnerships/{last_part(VENDOR.convert(text, param, ctx))}"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> "list[CompletionItem]":
        """Suggest ids to the shell."""
        del param
        from fbali.cli.suggestions import suggest

        return suggest(ctx, self.name, incomplete)


PARTNERSHIP = PartnershipType()


def last_part(name: str) -> str:
    """Give the id at the end of a resource name."""
    return name.rpartition("/")[2]
