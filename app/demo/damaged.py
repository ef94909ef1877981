"""A parcel that arrives damaged: what merchant and vendor make of it, case and photo and all."""

import io
import struct
import zlib
from typing import Final

from app.demo.followed import FollowedOrder
from app.demo.intents import request_id
from app.demo.narration import Narrator
from fbali.client import Client
from fbali.v1.after_sales_policy_pb2 import IssueType
from fbali.v1.after_sales_service_pb2 import (
    AcceptCaseRequest,
    CounterOfferRequest,
    CreateCaseRequest,
    GetCaseRequest,
    NewCaseItem,
    OfferResolutionRequest,
    SubmitCaseRequest,
)
from fbali.v1.allocation_pb2 import Allocation, AllocationLine
from fbali.v1.case_pb2 import Case, CaseState, ResolutionMode, ResolutionTerm
from fbali.v1.money_pb2 import Money
from fbali.v1.package_pb2 import Package, PackageState

_FULL: Final = ResolutionMode.RESOLUTION_MODE_FULL_REFUND
_PARTIAL: Final = ResolutionMode.RESOLUTION_MODE_PARTIAL_REFUND
_AGAIN: Final = ResolutionMode.RESOLUTION_MODE_RESEND_ALL
_WIDTH, _HEIGHT, _EDGE = 480, 360, 60
_TABLE, _BOX, _CRACK = b"\xd8\xd2\xc4", b"\xb9\x8a\x52", b"\x3a\x2a\x16"
_WORDS: Final = "The box was crushed, and what is in it is broken."


class DamagedParcel:
    """The first parcel of a vendor that arrives, of the order that is followed."""

    def __init__(
        self,
        narrator: Narrator,
        merchant: Client,
        vendor: tuple[Client, str],
        followed: FollowedOrder,
    ) -> None:
        """Act with the clients of both sides; the vendor comes with its name on the screen."""
        self._narrator = narrator
        self._merchant = merchant.after_sales
        self._photos = merchant
        self._vendor, self._vendor_name = vendor[0].after_sales, vendor[1]
        self._followed = followed
        self._case = ""
        self._offered = ""
        self.is_over = False

    def look(self) -> None:
        """Go on with the story, one step at a time."""
        if not self._case:
            self._open_when_delivered()
            return
        case = self._merchant.GetCase(GetCaseRequest(name=self._case)).case
        if case.state == CaseState.CASE_STATE_SUBMITTED:
            self._offer(case)
        elif case.state == CaseState.CASE_STATE_OFFERED:
            self._counter(case)
        elif case.state == CaseState.CASE_STATE_COUNTERED:
            self._accept(case)
        elif case.state == CaseState.CASE_STATE_RESOLVED and not self.is_over:
            self._say("FbAli", "the case is resolved: what was sent again has arrived")
            self.is_over = True

    def _open_when_delivered(self) -> None:
        order = self._followed.order
        for part in order.allocations if order is not None else ():
            for parcel in part.packages:
                is_there = parcel.state == PackageState.PACKAGE_STATE_DELIVERED
                if is_there and part.vendor_display_name == self._vendor_name:
                    self._open(part, parcel)
                    return

    def _open(self, part: Allocation, parcel: Package) -> None:
        line = _line_of(part, parcel)
        item = NewCaseItem(
            line=line.line,
            package=parcel.name,
            quantity=1,
            type=IssueType.ISSUE_TYPE_DAMAGED,
            mode=_FULL,
        )
        draft = self._merchant.CreateCase(
            CreateCaseRequest(
                order=part.order,
                description=_WORDS,
                items=[item],
                request_id=request_id("open", part.order),
            )
        ).cases[0]
        picture = draw_damage()
        photo = self._photos.upload_photo(draft.name, io.BytesIO(picture), "crushed-box.png")
        self._merchant.SubmitCase(
            SubmitCaseRequest(name=draft.name, request_id=request_id("submit", draft.name))
        )
        self._offered = f"{line.unit_cost.currency_code} {line.unit_cost.amount_minor // 2}"
        self._say(
            "merchant",
            f"1 x {line.title} of parcel {parcel.tracking_number} came broken. Opens a case with a"
            f" photo of {photo.width} x {photo.height} pixels and asks for the money",
        )
        self._case = draft.name

    def _offer(self, case: Case) -> None:
        currency, _, minor = self._offered.partition(" ")
        amount = Money(currency_code=currency, amount_minor=int(minor))
        term = ResolutionTerm(item=1, mode=_PARTIAL, amount=amount)
        self._vendor.OfferResolution(
            OfferResolutionRequest(
                name=case.name,
                terms=[term],
                note="Half of it?",
                etag=case.etag,
                request_id=request_id("offer", case.name),
            )
        )
        words = f"{amount.amount_minor / 100:.2f} {currency}"
        self._say(self._vendor_name, f"offers {words}, half of what the goods cost")

    def _counter(self, case: Case) -> None:
        self._merchant.CounterOffer(
            CounterOfferRequest(
                name=case.name,
                terms=[ResolutionTerm(item=1, mode=_AGAIN)],
                note="The customer still wants it. Please send it again.",
                etag=case.etag,
                request_id=request_id("counter", case.name),
            )
        )
        self._say("merchant", "counters: the customer still wants it, send it again")

    def _accept(self, case: Case) -> None:
        self._vendor.AcceptCase(
            AcceptCaseRequest(
                name=case.name, etag=case.etag, request_id=request_id("agree", case.name)
            )
        )
        words = "agrees; the unit is allocated to it once more, at no price to the customer"
        self._say(self._vendor_name, words)

    def _say(self, who: str, what: str) -> None:
        self._narrator.say(who, f"order {self._followed.number}: {what}", is_followed=True)


def draw_damage() -> bytes:
    """Draw a box with a crack down its middle, as a PNG of 480 x 360 pixels."""
    rows = []
    for y in range(_HEIGHT):
        row = bytearray(_TABLE * _WIDTH)
        if _EDGE <= y < _HEIGHT - _EDGE:
            row[3 * _EDGE : -3 * _EDGE] = _BOX * (_WIDTH - 2 * _EDGE)
            crack = _WIDTH // 2 + abs(y % 48 - 24) - 12
            row[3 * crack : 3 * (crack + 6)] = _CRACK * 6
        rows.append(b"\0" + row)
    head = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _line_of(part: Allocation, parcel: Package) -> AllocationLine:
    packed = {item.line for item in parcel.lines}
    return next(line for line in part.lines if line.line in packed)
