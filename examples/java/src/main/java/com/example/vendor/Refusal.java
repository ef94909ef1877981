package com.example.vendor;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RequestInfo;
import com.google.rpc.RetryInfo;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;

/** A call that failed: why, in the contract's words, and what to do about it. */
final class Refusal extends RuntimeException {
  final String reason;
  final Reaction reaction;
  final Duration retryAfter; // Zero when the server did not say.

  private Refusal(StatusRuntimeException cause, String reason, String incident, Duration wait) {
    super(cause.getMessage() + (incident.isEmpty() ? "" : " [" + incident + "]"), cause);
    this.reason = reason.isEmpty() ? cause.getStatus().getCode().name() : reason;
    this.reaction = Reaction.to(reason, cause.getStatus().getCode());
    this.retryAfter = wait;
  }

  static Refusal of(StatusRuntimeException error) {
    String reason = "";
    String incident = ""; // What the operator finds the call by in the server's log.
    Duration wait = Duration.ZERO;
    com.google.rpc.Status status = StatusProto.fromThrowable(error);
    try {
      for (Any detail : status.getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          reason = detail.unpack(ErrorInfo.class).getReason();
        } else if (detail.is(RequestInfo.class)) {
          incident = detail.unpack(RequestInfo.class).getRequestId();
        } else if (detail.is(RetryInfo.class)) {
          var delay = detail.unpack(RetryInfo.class).getRetryDelay();
          wait = Duration.ofSeconds(delay.getSeconds(), delay.getNanos());
        }
      }
    } catch (InvalidProtocolBufferException malformed) {
      reason = ""; // Not of our server: its code has to do.
    }
    return new Refusal(error, reason, incident, wait);
  }
}
