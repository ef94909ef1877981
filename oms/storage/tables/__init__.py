"""Every table, as Peewee models: the shape that the migrations must arrive at.

Instants are UTC epoch milliseconds in BIGINT columns named `_at`; amounts are minor units in BIGINT
columns named `_minor`; documents are JSON text; what came from outside is kept as bytes. Absent
texts are empty, absent instants, amounts and states are NULL.
"""

from oms.storage.tables.accounts import (
    MerchantRow,
    PartnershipRow,
    TokenRow,
    VendorRow,
)
from oms.storage.tables.columns import Table
from oms.storage.tables.fulfilment import (
    AllocationLineRow,
    AllocationRow,
    CostEntryRow,
    PackageLineRow,
    PackageRow,
    TrackingEventRow,
)
from oms.storage.tables.imports import BrokenRowRow, ImportRunRow
from oms.storage.tables.orders import (
    EventRow,
    HoldRow,
    OrderDetailRow,
    OrderLineRow,
    OrderRow,
    OrderWordRow,
    QuarantinedOrderRow,
)
from oms.storage.tables.reporting import ExchangeRateRow, SaleRow
from oms.storage.tables.stores import (
    HostingRow,
    ProductRow,
    StoreCredentialRow,
    StoreRow,
    SyncRunRow,
    VariantRow,
)
from oms.storage.tables.work import (
    JobRow,
    ProcessRow,
    RequestRow,
    ScheduleRow,
    TurnRow,
)
from oms.storage.tables.write_backs import WriteBackRow

TABLES: tuple[type[Table], ...] = (
    MerchantRow,
    VendorRow,
    PartnershipRow,
    TokenRow,
    StoreRow,
    StoreCredentialRow,
    SyncRunRow,
    ProductRow,
    VariantRow,
    HostingRow,
    OrderRow,
    OrderDetailRow,
    OrderLineRow,
    QuarantinedOrderRow,
    EventRow,
    AllocationRow,
    AllocationLineRow,
    PackageRow,
    PackageLineRow,
    TrackingEventRow,
    CostEntryRow,
    RequestRow,
    JobRow,
    ScheduleRow,
    HoldRow,
    OrderWordRow,
    ImportRunRow,
    BrokenRowRow,
    WriteBackRow,
    ExchangeRateRow,
    SaleRow,
    TurnRow,
    ProcessRow,
)
