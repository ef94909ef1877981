"""`fbali exchange-rates`: record what one currency is worth in another."""

from datetime import datetime

import click

from fbali.cli.command import Noun
from fbali.cli.invocation import Invocation
from fbali.cli.listing import Paging, answer_list, paging_options
from fbali.cli.parameters import CURRENCY, MOMENT


@click.group("exchange-rates", cls=Noun)
def exchange_rates() -> None:
    """Record exchange rates for margins and reports."""


@exchange_rates.command("set", example="fbali exchange-rates set EUR USD 1.0834 --since 2026-11-01")
@click.argument("base", type=CURRENCY)
@click.argument("quote", type=CURRENCY)
@click.argument("rate")
@click.option(
    "--since",
    type=MOMENT,
    metavar="TIME",
    help="In force since this local time; now, if you leave it out.",
)
@click.pass_obj
def set_rate(
    invocation: Invocation, *, base: str, quote: str, rate: str, since: datetime | None
) -> None:
    """Record that one BASE is worth RATE in QUOTE; the other way round follows.

    Orders are converted by the rate that was in force when they were placed. Rates are only added:
    a wrong one is put right by a further one with the same --since.
    """
    from fbali.cli.contract_values import timestamp
    from fbali.cli.views.figures import rate_list
    from fbali.v1.exchange_rate_pb2 import ExchangeRate
    from fbali.v1.order_service_pb2 import SetExchangeRateRequest

    request = SetExchangeRateRequest(
        parent="merchants/-",
        exchange_rate=ExchangeRate(
            base_currency_code=base,
            quote_currency_code=quote,
            rate=rate,
            effective_time=timestamp(since),
        ),
    )
    found = invocation.client.orders.SetExchangeRate(request)
    invocation.answer(found, lambda: rate_list([found.exchange_rate]))


@exchange_rates.command("list", example="fbali exchange-rates list")
@paging_options
@click.pass_obj
def list_rates(invocation: Invocation, *, paging: Paging) -> None:
    """List recorded rates, the last recorded first."""
    from fbali.cli.views.figures import rate_list
    from fbali.v1.order_service_pb2 import ListExchangeRatesRequest

    answer_list(
        invocation,
        invocation.client.orders.ListExchangeRates,
        ListExchangeRatesRequest(parent="merchants/-"),
        paging,
        lambda found: rate_list(found.exchange_rates),
    )
