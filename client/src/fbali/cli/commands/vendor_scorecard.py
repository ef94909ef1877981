"""`fbali vendors scorecard`: how vendors did."""

import click

from fbali.cli import names
from fbali.cli.command import Verb
from fbali.cli.invocation import Invocation
from fbali.cli.period import Days, Period, period_options


@click.command("scorecard", cls=Verb, example="fbali vendors scorecard --from 2026-11-01")
@click.argument("vendor", type=names.VENDOR, required=False)
@period_options
@click.pass_obj
def scorecard(invocation: Invocation, *, vendor: str | None, days: Days) -> None:
    """Measure vendors by the orders they were handed in a period.

    Times are medians: to accept, to announce a parcel, to the carrier's first scan, and from
    hand-over to delivery. Nine of ten took at most what is beside.
    """
    from fbali.cli.views.figures import score_list
    from fbali.v1.hosting_service_pb2 import GetVendorScorecardRequest

    period = Period.of(days)
    request = GetVendorScorecardRequest(
        parent="merchants/-",
        from_time=period.begin(),
        before_time=period.end(),
        vendor=vendor or "",
    )
    found = invocation.client.hosting.GetVendorScorecard(request)
    invocation.answer(found, lambda: score_list(found.scores))
