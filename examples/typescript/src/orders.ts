import type { Client } from "@connectrpc/connect";
import { PendingReason, ShippingStatus, type Order } from "../gen/fbali/v1/order_pb.js";
import type { OrderService } from "../gen/fbali/v1/order_service_pb.js";
import { insist, requestId, TRIES_MAX } from "./calls.js";
import type { Complaints } from "./complaints.js";
import { report, say } from "./journal.js";
import { refusalOf } from "./refusals.js";

/** Does what an order needs, as it is now; a second look does no harm. */
export class Orders {
  private readonly delivered = new Set<string>(); // Told of in this run.

  constructor(
    private readonly client: Client<typeof OrderService>,
    private readonly complaints: Complaints,
    private readonly signal: AbortSignal,
  ) {}

  /** Attends to an order; what was read of it may be old, or be missing. */
  async attend(name: string, known?: Order): Promise<void> {
    let order = known;
    for (let tries = 1; ; tries++) {
      try {
        await this.advance(order ?? (await this.read(name)));
        return;
      } catch (error) {
        if (refusalOf(error).action !== "readAgain" || tries === TRIES_MAX) {
          this.passOver(name, error);
          return;
        }
        order = undefined;
      }
    }
  }

  private async read(name: string): Promise<Order> {
    const answer = await insist(this.signal, (options) => this.client.getOrder({ name }, options));
    return answer.order!; // The contract says that it is there.
  }

  private async advance(order: Order): Promise<void> {
    const waiting = order.lines.filter((line) => line.openQuantity > 0);
    if (waiting.some((line) => line.pendingReason === PendingReason.MANUAL)) {
      await this.place(order);
    }
    if (order.shippingStatus === ShippingStatus.DELIVERED) {
      if (!this.delivered.has(order.name)) {
        report("delivered", { order: order.name });
        this.delivered.add(order.name);
      }
      await this.complaints.attend(order.name);
    }
  }

  /** Hands an order to its vendors, as their hostings say. */
  private async place(order: Order): Promise<void> {
    const request = {
      parent: "merchants/-",
      orders: [order.name],
      requestId: requestId("place", order.name, order.etag),
    };
    const answer = await insist(this.signal, (options) =>
      this.client.placeOrders(request, options),
    );
    // Each order is placed or refused by itself; a refusal is no error of the call.
    const refused = answer.placements[0];
    if (refused?.refusalReason) {
      say(`${order.name} is not placed: ${refused.refusalMessage}`);
      report("passed_over", { subject: order.name, reason: refused.refusalReason });
      return;
    }
    report("placed", { order: order.name });
  }

  /** Says that one order was left alone, unless the whole program cannot go on. */
  private passOver(name: string, error: unknown): void {
    const refused = refusalOf(error);
    if (this.signal.aborted || refused.action === "stop") {
      throw error;
    }
    say(`${name} is passed over: ${String(error)} ${refused.incident}`);
    report("passed_over", { subject: name, reason: refused.reason });
  }
}
