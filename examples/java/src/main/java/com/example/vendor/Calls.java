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
  private static final int FEW = 5;
  private static final Duration FIRST = Duration.ofMillis(100);
  private static final Duration LONGEST = Duration.ofSeconds(5);

  private Calls() {}

  /** Repeats a call until it is answered; throws a Refusal that repeating does not help. */
  static <T> T insist(Supplier<T> call) throws InterruptedException {
    for (int failures = 1; ; failures++) {
      try {
        return call.get();
      } catch (StatusRuntimeException error) {
        Refusal refusal = asRefusal(error);
        boolean again =
            refusal.reaction == Reaction.RETRY
                || (refusal.reaction == Reaction.RETRY_A_FEW_TIMES && failures < FEW);
        if (!again) {
          throw refusal;
        }
        Journal.say("%s; tries again", refusal.getMessage());
        pause(failures, refusal.retryAfter);
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

  /** Waits longer with every failure in a row, by chance, so that many programs spread out. */
  static void pause(int failures, Duration atLeast) throws InterruptedException {
    long bound = Math.min(FIRST.toMillis() << Math.min(failures, 10), LONGEST.toMillis());
    long chosen = ThreadLocalRandom.current().nextLong(bound / 2, bound);
    Thread.sleep(Math.max(atLeast.toMillis(), chosen));
  }
}
