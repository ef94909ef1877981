package com.example.vendor;

import com.fbali.v1.WatchAllocationsRequest;
import com.fbali.v1.WatchAllocationsResponse;
import com.google.protobuf.Duration;
import io.grpc.StatusRuntimeException;
import java.io.IOException;

/** Follows the vendor's allocations for ever, whichever side is started again. */
final class Watch {
  private static final Duration QUIET = Duration.newBuilder().setSeconds(2).build();

  private final Connection connection;
  private final ResumeToken token;
  private final Fulfillment fulfillment;
  private final CasePhotos photos;
  private int failures; // In a row.

  Watch(Connection connection, ResumeToken token, Fulfillment fulfillment, CasePhotos photos) {
    this.connection = connection;
    this.token = token;
    this.fulfillment = fulfillment;
    this.photos = photos;
  }

  /** Returns never; throws a Refusal that a person has to look at. */
  void run() throws InterruptedException, IOException {
    while (true) {
      try {
        follow(); // The server ends a watch now and then with OK: it wants to be asked again.
        Journal.say("the watch ended; goes on");
      } catch (StatusRuntimeException error) {
        Refusal refusal = Calls.asRefusal(error);
        Journal.refused(refusal, "watch");
        if (refusal.reaction == Reaction.STOP) {
          throw refusal;
        }
        if (refusal.reaction == Reaction.START_OVER) {
          token.keep("");
        }
        failures++;
        Calls.pause(failures, refusal.retryAfter);
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
            .setBookmarkInterval(QUIET)
            .build();
    boolean isNew = token.get().isEmpty();
    Journal.did("watching", "from", isNew ? "the initial state" : "where it stopped");
    var messages = connection.watching().watchAllocations(request);
    while (messages.hasNext()) {
      WatchAllocationsResponse message = messages.next();
      failures = 0;
      take(message);
      // Only now: what is in hand when this program dies is sent again.
      token.keep(message.getResumeToken());
      photos.lookIfDue();
    }
  }

  private void take(WatchAllocationsResponse message) throws InterruptedException {
    try {
      switch (message.getContentCase()) {
        case ALLOCATION -> fulfillment.advance(message.getAllocation());
        case EVENT -> fulfillment.advance(fulfillment.read(message.getEvent().getAllocation()));
        case INITIAL_STATE_COMPLETE -> Journal.did("caught_up");
        default -> {} // A bookmark, or something younger than this program: the token is all.
      }
    } catch (Refusal refusal) {
      if (refusal.reaction == Reaction.STOP) {
        throw refusal;
      }
      Journal.refused(refusal, subject(message));
    }
  }

  private static String subject(WatchAllocationsResponse message) {
    return message.hasEvent()
        ? message.getEvent().getAllocation()
        : message.getAllocation().getName();
  }
}
