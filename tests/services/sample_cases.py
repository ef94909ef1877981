"""What the scripted server answers about after-sales: a case in the middle of a negotiation."""

from fbali.v1 import after_sales_service_pb2 as after_sales
from fbali.v1.after_sales_policy_pb2 import (
    ISSUE_TYPE_DAMAGED,
    ISSUE_TYPE_DELAYED,
    ISSUE_TYPE_NOT_RECEIVED,
    AfterSalesPolicy,
)
from fbali.v1.case_pb2 import (
    CASE_ACTION_ACCEPT_OFFER,
    CASE_ACTION_COUNTER,
    CASE_ACTION_OFFER,
    CASE_ACTION_SUBMIT,
    CASE_PARTY_MERCHANT,
    CASE_PARTY_VENDOR,
    CASE_STATE_DRAFT,
    CASE_STATE_OFFERED,
    RESOLUTION_MODE_FULL_REFUND,
    RESOLUTION_MODE_PARTIAL_REFUND,
    Case,
    CaseItem,
    CaseMessage,
    Proposal,
    ResolutionTerm,
)
from fbali.v1.eligibility_pb2 import (
    CLAIM_BLOCKER_DELIVERED,
    CLAIM_BLOCKER_IN_OPEN_CASE,
    CLAIM_BLOCKER_TOO_EARLY,
    TypeEligibility,
    UnitEligibility,
)
from tests.services.sample_shop import (
    DAY,
    HOUR,
    MERCHANT,
    ORDER,
    SHENZHEN,
    at,
    full_order,
    money,
)
from tests.services.scripted_server import Answer

CASE = f"{MERCHANT}/cases/c01jd9z5zq8k3v6t2r4w7x9y1aj"
MUG_LINE = full_order().lines[0].name
MUG_PACKAGE = full_order().allocations[0].packages[0].name


def damaged_case() -> Case:
    """One mug is broken; the vendor offers a part of the money."""
    return Case(
        name=CASE,
        order=ORDER,
        order_number="1042",
        merchant_display_name="Mugs and more",
        vendor=SHENZHEN,
        vendor_display_name="Shenzhen Source",
        state=CASE_STATE_OFFERED,
        waiting_for=CASE_PARTY_MERCHANT,
        deadline_time=at(2 * DAY),
        allowed_actions=[CASE_ACTION_ACCEPT_OFFER, CASE_ACTION_COUNTER],
        description="Arrived in pieces",
        items=[damaged_item()],
        proposals=[
            proposal(1, ResolutionTerm(item=1, mode=RESOLUTION_MODE_FULL_REFUND)),
            proposal(
                2,
                ResolutionTerm(
                    item=1, mode=RESOLUTION_MODE_PARTIAL_REFUND, amount=money("EUR", 500)
                ),
            ),
        ],
        messages=[
            CaseMessage(
                number=1,
                author=SHENZHEN,
                party=CASE_PARTY_VENDOR,
                action=CASE_ACTION_OFFER,
                text="Half of it?",
                create_time=at(-HOUR),
            )
        ],
        photo_count=1,
        create_time=at(-DAY),
        submit_time=at(-DAY + 60),
        update_time=at(-HOUR),
        etag="7",
    )


def damaged_item() -> CaseItem:
    return CaseItem(
        number=1,
        line=MUG_LINE,
        package=MUG_PACKAGE,
        title="Enamel mug",
        sku="MUG-BL",
        quantity=1,
        type=ISSUE_TYPE_DAMAGED,
    )


def proposal(number: int, *terms: ResolutionTerm) -> Proposal:
    party = CASE_PARTY_MERCHANT if number == 1 else CASE_PARTY_VENDOR
    return Proposal(number=number, party=party, terms=terms, create_time=at(number * 60 - DAY))


def drafted_case() -> Case:
    draft = damaged_case()
    draft.state = CASE_STATE_DRAFT
    draft.ClearField("proposals")
    draft.ClearField("messages")
    draft.ClearField("allowed_actions")
    draft.allowed_actions.append(CASE_ACTION_SUBMIT)
    return draft


def eligible_units() -> list[UnitEligibility]:
    mug = UnitEligibility(
        line=MUG_LINE,
        title="Enamel mug",
        sku="MUG-BL",
        package=MUG_PACKAGE,
        vendor=SHENZHEN,
        vendor_display_name="Shenzhen Source",
    )
    delivered = UnitEligibility(
        quantity=2,
        types=[
            TypeEligibility(type=ISSUE_TYPE_NOT_RECEIVED, blocker=CLAIM_BLOCKER_DELIVERED),
            TypeEligibility(type=ISSUE_TYPE_DAMAGED, until_time=at(30 * DAY), photo_count_min=1),
            TypeEligibility(
                type=ISSUE_TYPE_DELAYED, blocker=CLAIM_BLOCKER_TOO_EARLY, from_time=at(20 * DAY)
            ),
        ],
    )
    claimed = UnitEligibility(quantity=1, blocker=CLAIM_BLOCKER_IN_OPEN_CASE, cases=[CASE])
    for one in (delivered, claimed):
        one.MergeFrom(mug)
    return [delivered, claimed]


def after_sales_answers() -> dict[str, Answer]:
    case = damaged_case()
    policy = AfterSalesPolicy(claim_days_after_delivery=30, answer_hours=48, reply_hours=120)
    moved = (
        "SubmitCase AcceptCase RejectCase OfferResolution AcceptOffer DeclineOffer CounterOffer"
        " RequestInfo ProvideInfo AddMessage EscalateCase DecideCase WithdrawCase ResolveCase"
    )
    return {
        "CheckEligibility": after_sales.CheckEligibilityResponse(units=eligible_units()),
        "CreateCase": after_sales.CreateCaseResponse(cases=[drafted_case()]),
        "UpdateCase": after_sales.UpdateCaseResponse(case=drafted_case()),
        "GetCase": after_sales.GetCaseResponse(case=case),
        "ListCases": after_sales.ListCasesResponse(cases=[case]),
        "CountCases": after_sales.CountCasesResponse(overdue_count=1),
        "GetAfterSalesPolicy": after_sales.GetAfterSalesPolicyResponse(policy=policy),
        "SetAfterSalesPolicy": after_sales.SetAfterSalesPolicyResponse(policy=policy),
        **{
            method: getattr(after_sales, f"{method}Response")(case=case) for method in moved.split()
        },
    }
