package com.example.vendor;

import java.io.IOException;

/**
 * What a vendor agent could start from: it watches its allocations, accepts them, ships them and
 * answers customers' cases, in the face of restarts on both sides.
 */
public final class Vendor {
  private static final int EXIT_CANNOT_GO_ON = 1;
  private static final int EXIT_BADLY_CONFIGURED = 2;
  private static final long STOP_MILLIS_MAX = 5_000;

  private Vendor() {}

  /** Works until SIGTERM and ends with 0 then; with another code when a person has to look. */
  public static void main(String[] arguments) {
    try {
      Settings settings = Settings.of(System.getenv());
      try (Connection connection = new Connection(settings)) {
        work(connection, settings);
      }
    } catch (IllegalArgumentException | IOException error) {
      Journal.say("%s", error.getMessage());
      System.exit(EXIT_BADLY_CONFIGURED);
    }
  }

  private static void work(Connection connection, Settings settings) {
    stopWhenAsked(Thread.currentThread());
    try {
      new Watch(connection, settings).run();
    } catch (InterruptedException stopped) {
      Journal.did("stopped");
    } catch (Refusal refusal) {
      giveUp(refusal.reason, refusal);
    } catch (IOException error) {
      giveUp("LOCAL_FAILURE", error);
    }
  }

  private static void giveUp(String reason, Exception error) {
    Journal.say("cannot go on: %s", error);
    Journal.did("gave_up", "reason", reason);
    Runtime.getRuntime().halt(EXIT_CANNOT_GO_ON);
  }

  /**
   * SIGTERM interrupts the call or pause that the program is in. What was begun is done by the next
   * run, under the same request ids.
   */
  private static void stopWhenAsked(Thread worker) {
    Runnable stop =
        () -> {
          worker.interrupt();
          try {
            worker.join(STOP_MILLIS_MAX);
          } catch (InterruptedException impatient) {
            Journal.say("ends at once");
          }
          Runtime.getRuntime().halt(0); // Java's own end by a signal would not be 0.
        };
    Runtime.getRuntime().addShutdownHook(new Thread(stop, "stop"));
  }
}
