package com.example.vendor;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RequestInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;

/** A call that failed: why, in the contract's words, and what to do about it. */
final class Refusal extends RuntimeException {
  private static final String DOMAIN = "fbali.v1";
  private static final long serialVersionUID = 1L;

  final Status.Code code;
  final String reason; // Of ErrorReason, or the code when there is none.
  final transient Action action;
  final Duration retryAfter; // Zero when the server did not say.

  private Refusal(StatusRuntimeException cause, String reason, Duration wait, String incident) {
    super(cause.getMessage() + (incident.isEmpty() ? "" : " (call " + incident + ")"), cause);
    this.code = cause.getStatus().getCode();
    this.reason = reason.isEmpty() ? code.name() : reason;
    this.action = Action.after(reason, code);
    this.retryAfter = wait;
  }

  static Refusal of(StatusRuntimeException error) {
    String reason = "";
    Duration wait = Duration.ZERO;
    String incident = ""; // What the operator finds the call by in the server's log.
    try {
      for (Any detail : StatusProto.fromThrowable(error).getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          ErrorInfo info = detail.unpack(ErrorInfo.class);
          reason = info.getDomain().equals(DOMAIN) ? info.getReason() : "";
        } else if (detail.is(RetryInfo.class)) {
          var delay = detail.unpack(RetryInfo.class).getRetryDelay();
          wait = Duration.ofSeconds(delay.getSeconds(), delay.getNanos());
        } else if (detail.is(RequestInfo.class)) {
          incident = detail.unpack(RequestInfo.class).getRequestId();
        }
      }
    } catch (InvalidProtocolBufferException malformed) {
      reason = ""; // Not of our server: its code has to do.
    }
    return new Refusal(error, reason, wait, incident);
  }
}
