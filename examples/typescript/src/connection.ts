import { readFileSync } from "node:fs";
import { createClient, type Client, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { AfterSalesService } from "../gen/fbali/v1/after_sales_service_pb.js";
import { OrderService } from "../gen/fbali/v1/order_service_pb.js";
import { isClearText, type Settings } from "./settings.js";

/** The services that a merchant calls, over one connection that is opened anew when it breaks. */
export interface Connection {
  readonly orders: Client<typeof OrderService>;
  readonly afterSales: Client<typeof AfterSalesService>;
}

/** Prepares a connection; nothing is sent before the first call. */
export function connect(settings: Settings): Connection {
  const scheme = isClearText(settings) ? "http" : "https";
  const transport = createGrpcTransport({
    baseUrl: `${scheme}://${settings.target}`,
    interceptors: [withToken(settings.token)],
    // Without a file of its own, the authorities that Node.js trusts.
    nodeOptions: settings.caFile === "" ? {} : { ca: readFileSync(settings.caFile) },
    // Finds out that a quiet watch is dead. The server refuses pings more often than every 30 s.
    pingIntervalMs: 60_000,
    pingTimeoutMs: 20_000,
  });
  return {
    orders: createClient(OrderService, transport),
    afterSales: createClient(AfterSalesService, transport),
  };
}

function withToken(token: string): Interceptor {
  return (next) => (request) => {
    request.header.set("Authorization", `Bearer ${token}`);
    return next(request);
  };
}
