"""Kinds of values on the command line that click does not have."""

from typing import Any

import click

from fbali.cli.money import parse_money


class MoneyType(click.ParamType[str]):
    """An amount with its currency; handed on as it was typed, once it is known to be one."""

    name = "amount"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        """Check the amount."""
        try:
            parse_money(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return str(value)


class CountryType(click.ParamType[str]):
    """A country as its two letters."""

    name = "country"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        """Give the code in upper case."""
        code = str(value).upper()
        if not (len(code) == 2 and code.isascii() and code.isalpha()):  # noqa: PLR2004 - Two letters.
            self.fail(f"{value!r} is no country; write two letters, such as US", param, ctx)
        return code


class CurrencyType(click.ParamType[str]):
    """A currency as its three letters."""

    name = "currency"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        """Give the code in upper case."""
        code = str(value).upper()
        if not (len(code) == 3 and code.isascii() and code.isalpha()):  # noqa: PLR2004 - Three letters.
            self.fail(f"{value!r} is no currency; write three letters, such as EUR", param, ctx)
        return code


MONEY = MoneyType()
CURRENCY = CurrencyType()
COUNTRY = CountryType()
MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"])
