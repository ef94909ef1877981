package com.example.vendor;

import java.io.IOException;

/** A vendor agent's program: accepts and ships whatever it is given, and proves how it packed. */
public final class Vendor {
  private static final int EXIT_FAILED = 1;
  private static final long STOP_MILLIS_MAX = 5_000;

  private Vendor() {}

  /** Works until SIGTERM, and ends with 0 then; with 1 when a person has to look. */
  public static void main(String[] arguments) {
    endCleanlyWhenAsked(Thread.currentThread());
    try {
      work(Settings.of(System.getenv()));
    } catch (InterruptedException stopped) {
      Journal.say("stopped");
    } catch (Refusal | IllegalArgumentException | IOException error) {
      Journal.say("cannot go on: %s", error.getMessage());
      Runtime.getRuntime().halt(EXIT_FAILED);
    }
  }

  private static void work(Settings settings) throws InterruptedException, IOException {
    try (Connection connection = new Connection(settings)) {
      var token = new ResumeToken(settings.stateFile());
      var photos = new CasePhotos(connection, settings.photoFile());
      new Watch(connection, token, new Fulfillment(connection), photos).run();
    }
  }

  /** An interrupt ends the call that waits, or the pause; whatever was done is known already. */
  private static void endCleanlyWhenAsked(Thread worker) {
    Runnable stop =
        () -> {
          worker.interrupt();
          try {
            worker.join(STOP_MILLIS_MAX);
          } catch (InterruptedException impatient) {
            Journal.say("ends at once");
          }
          Runtime.getRuntime().halt(0);
        };
    Runtime.getRuntime().addShutdownHook(new Thread(stop, "stop"));
  }
}
