import type { Client } from "@connectrpc/connect";
import type { OrderService } from "../gen/fbali/v1/order_service_pb.js";
import type { WatchOrdersResponse } from "../gen/fbali/v1/watch_pb.js";
import { backoffMs, pause } from "./calls.js";
import { report, say } from "./journal.js";
import type { Orders } from "./orders.js";
import { refusalOf, type Refusal } from "./refusals.js";
import type { ResumeToken } from "./resume_token.js";

/** Follows the merchant's orders for ever, whichever side is started again. */
export class Watch {
  private failures = 0; // Since the last message.

  constructor(
    private readonly client: Client<typeof OrderService>,
    private readonly orders: Orders,
    private readonly token: ResumeToken,
    private readonly bookmarkSeconds: number,
    private readonly signal: AbortSignal,
  ) {}

  /** Works until the signal aborts, and throws then; or what a person has to look at. */
  async run(): Promise<never> {
    for (;;) {
      let delayMs = 0;
      try {
        await this.follow(); // The server ends a watch now and then, and when it stops.
        report("reconnecting", { code: "OK", reason: "" });
      } catch (error) {
        const refused = refusalOf(error);
        if (this.signal.aborted || refused.action === "stop") {
          throw error;
        }
        this.recover(refused, error);
        delayMs = refused.delayMs;
      }
      this.failures++;
      await pause(this.signal, Math.max(delayMs, backoffMs(this.failures)));
    }
  }

  private recover(refused: Refusal, error: unknown): void {
    if (refused.action === "startOver") {
      this.token.keep("");
      report("started_over", { reason: refused.reason });
    } else {
      say(`the watch broke off: ${String(error)}`);
      report("reconnecting", { code: refused.code, reason: refused.reason });
    }
  }

  private async follow(): Promise<void> {
    const request = {
      parent: "merchants/-",
      resumeToken: this.token.get(),
      // With a token only what is missing of it is sent: it is always asked for.
      includeInitialState: true,
      bookmarkInterval: { seconds: BigInt(this.bookmarkSeconds), nanos: 0 },
    };
    report("watching", { resumed: request.resumeToken !== "" });
    for await (const message of this.client.watchOrders(request, { signal: this.signal })) {
      this.failures = 0;
      await this.take(message);
      // Only now: what is in hand when this program dies is sent again.
      this.token.keep(message.resumeToken);
    }
  }

  private async take({ content }: WatchOrdersResponse): Promise<void> {
    switch (content.case) {
      case "order":
        return this.orders.attend(content.value.name, content.value);
      case "event": // It may come twice, or late: what counts is how the order is now.
        return this.orders.attend(content.value.order);
      case "initialStateComplete":
        return say("all that was open is dealt with; waiting for news");
      default: // A bookmark, or what a newer server sends: its token is all that counts.
    }
  }
}
