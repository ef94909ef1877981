// What a merchant's program could start from: it watches its orders, places those that wait for it,
// and claims what arrived damaged, in the face of restarts on both sides.

import { Complaints } from "./complaints.js";
import { connect, type Connection } from "./connection.js";
import { report, say } from "./journal.js";
import { Orders } from "./orders.js";
import { refusalOf } from "./refusals.js";
import { ResumeToken } from "./resume_token.js";
import { readSettings, type Settings } from "./settings.js";
import { Watch } from "./watch.js";

const EXIT_CANNOT_GO_ON = 1;
const EXIT_BADLY_CONFIGURED = 2;

/** Works until it is told to stop; returns the exit code. */
async function main(): Promise<number> {
  let settings: Settings;
  let connection: Connection;
  try {
    settings = readSettings(process.env);
    connection = connect(settings);
  } catch (error) {
    say(String(error));
    return EXIT_BADLY_CONFIGURED;
  }
  // It ends calls and waits; what was begun is done by the next run, under the same request ids.
  const stop = new AbortController();
  process.once("SIGTERM", () => stop.abort());
  process.once("SIGINT", () => stop.abort());
  try {
    return await work(settings, connection, stop.signal);
  } catch (error) {
    if (stop.signal.aborted) {
      report("stopped");
      return 0;
    }
    say(`cannot go on: ${String(error)}`);
    report("gave_up", { reason: refusalOf(error).reason });
    return EXIT_CANNOT_GO_ON;
  }
}

async function work(
  settings: Settings,
  { orders, afterSales }: Connection,
  signal: AbortSignal,
): Promise<never> {
  const complaints = new Complaints(afterSales, settings.photoFile, signal);
  const attendant = new Orders(orders, complaints, signal);
  const token = new ResumeToken(settings.stateFile);
  return new Watch(orders, attendant, token, settings.bookmarkSeconds, signal).run();
}

// An open connection would keep the process alive, so its end is said.
process.exit(await main());
