package com.example.vendor;

import com.fbali.v1.WatchAllocationsRequest;
import com.fbali.v1.WatchAllocationsResponse;
import com.google.protobuf.Duration;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.util.Optional;

/** Follows the vendor's allocations for ever, whichever side is started again. */
final class Watch {
  private final Connection connection;
  private final ResumeToken token;
  private final Fulfillment fulfillment;
  private final Cases cases;
  private final Duration bookmarkInterval;
  private int failures; // Since the last message.

  Watch(Connection connection, Settings settings) throws IOException {
    this.connection = connection;
    this.token = new ResumeToken(settings.stateFile());
    this.fulfillment = new Fulfillment(connection, settings.labelPrefix());
    this.cases = new Cases(connection, settings);
    this.bookmarkInterval =
        Duration.newBuilder().setSeconds(settings.caseInterval().toSeconds()).build();
  }

  /** Works until it is interrupted; throws a Refusal that a person has to look at. */
  void run() throws InterruptedException, IOException {
    while (true) {
      java.time.Duration atLeast = java.time.Duration.ZERO;
      try {
        follow(); // The server ends a watch now and then, and when it stops.
        Journal.did("reconnecting", "code", "OK", "reason", "");
      } catch (StatusRuntimeException error) {
        Refusal refusal = Calls.asRefusal(error);
        recover(refusal);
        atLeast = refusal.retryAfter;
      }
      failures++;
      Calls.pause(failures, atLeast);
    }
  }

  private void recover(Refusal refusal) throws IOException {
    switch (refusal.action) {
      case STOP -> throw refusal;
      case START_OVER -> {
        token.keep("");
        Journal.did("started_over", "reason", refusal.reason);
      }
      default -> {
        Journal.say("the watch broke off: %s", refusal.getMessage());
        Journal.did("reconnecting", "code", refusal.code.name(), "reason", refusal.reason);
      }
    }
  }

  private void follow() throws InterruptedException, IOException {
    // With a token only what is missing of the initial state is sent: it is always asked for.
    var request =
        WatchAllocationsRequest.newBuilder()
            .setParent("vendors/-")
            .setResumeToken(token.get())
            .setIncludeInitialState(true)
            .setBookmarkInterval(bookmarkInterval)
            .build();
    var messages = connection.watching().watchAllocations(request);
    Journal.did("watching", "resumed", !token.get().isEmpty());
    while (messages.hasNext()) {
      WatchAllocationsResponse message = messages.next();
      failures = 0;
      take(message);
      // Only now: what is in hand when this program dies is sent again.
      token.keep(message.getResumeToken());
      // Bookmarks bring a quiet watch here as often as this is due.
      cases.answerIfDue();
    }
  }

  private void take(WatchAllocationsResponse message) throws InterruptedException {
    switch (message.getContentCase()) {
      case ALLOCATION -> {
        var allocation = message.getAllocation();
        fulfillment.attend(allocation.getName(), Optional.of(allocation));
      }
      // An event may come twice, or late: what counts is how the allocation is now.
      case EVENT -> fulfillment.attend(message.getEvent().getAllocation(), Optional.empty());
      case INITIAL_STATE_COMPLETE -> Journal.say("all that was open is dealt with");
      default -> {} // A bookmark, or what a newer server sends: its token is all that counts.
    }
  }
}
