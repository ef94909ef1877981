package com.example.vendor;

import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;

/**
 * Makes calls that may be made again: those that read, and those that carry a request_id, of which
 * the server does one only.
 */
final class Calls {
  static final int TRIES_MAX = 5;

  private static final Duration FIRST = Duration.ofMillis(100);
  private static final Duration LONGEST = Duration.ofSeconds(2);

  private Calls() {}

  /** Repeats a call until it is answered; throws a Refusal that repeating does not help. */
  static <T> T insist(Supplier<T> call) throws InterruptedException {
    for (int tries = 1; ; tries++) {
      try {
        return call.get();
      } catch (StatusRuntimeException error) {
        Refusal refusal = asRefusal(error);
        boolean isWorthWaiting =
            refusal.action == Action.WAIT_OUTAGE
                || (refusal.action == Action.WAIT_SOME && tries < TRIES_MAX);
        if (!isWorthWaiting) {
          throw refusal;
        }
        Journal.say("waiting: %s", refusal.getMessage());
        pause(tries, refusal.retryAfter);
      }
    }
  }

  /** Turns a failure into a Refusal, unless this program is being stopped and ended the call. */
  static Refusal asRefusal(StatusRuntimeException error) throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    return Refusal.of(error);
  }

  /** Waits longer with every failure in a row; by chance, so that not all come back together. */
  static void pause(int failures, Duration atLeast) throws InterruptedException {
    long bound = Math.min(FIRST.toMillis() << Math.min(failures - 1, 10), LONGEST.toMillis());
    long chosen = ThreadLocalRandom.current().nextLong(bound / 2, bound);
    Thread.sleep(Math.max(atLeast.toMillis(), chosen));
  }
}
