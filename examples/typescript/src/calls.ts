import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { CallOptions } from "@connectrpc/connect";
import { say } from "./journal.js";
import { refusalOf } from "./refusals.js";

export const TRIES_MAX = 5;
const CALL_MS = 20_000;
const WAIT_MIN_MS = 100;
const WAIT_MAX_MS = 2_000;

/**
 * Makes a call until it succeeds, waiting does not help, or the signal aborts. The request carries
 * its request_id, so it does not matter whether a try whose answer was lost has done its work.
 */
export async function insist<A>(
  signal: AbortSignal,
  call: (options: CallOptions) => Promise<A>,
): Promise<A> {
  for (let tries = 1; ; tries++) {
    try {
      return await call({ signal, timeoutMs: CALL_MS });
    } catch (error) {
      const refused = refusalOf(error);
      const isWorthWaiting =
        refused.action === "waitOutage" || (refused.action === "waitSome" && tries < TRIES_MAX);
      if (signal.aborted || !isWorthWaiting) {
        throw error;
      }
      say(`waiting: ${String(error)} ${refused.incident}`);
      await pause(signal, Math.max(refused.delayMs, backoffMs(tries)));
    }
  }
}

/** Doubles with every try, and keeps clients that failed together from coming back together. */
export function backoffMs(tries: number): number {
  const bound = Math.min(WAIT_MIN_MS * 2 ** (tries - 1), WAIT_MAX_MS);
  return bound * (0.5 + Math.random() / 2);
}

/** Waits; throws at once when the signal aborts. */
export async function pause(signal: AbortSignal, milliseconds: number): Promise<void> {
  await sleep(milliseconds, undefined, { signal });
}

/**
 * Names an intent as a UUID: the same words give the same one, so that a retry, also one by the
 * next run of this program, is known to the server. The etag that is sent is one of the words: with
 * another one the request says something else.
 */
export function requestId(...words: string[]): string {
  const digest = createHash("sha1").update(["fbali-merchant", ...words].join("/")).digest();
  digest[6] = (digest[6]! & 0x0f) | 0x50; // Version 5: made of a name.
  digest[8] = (digest[8]! & 0x3f) | 0x80;
  const hex = digest.toString("hex", 0, 16);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
