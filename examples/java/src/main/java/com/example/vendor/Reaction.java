package com.example.vendor;

import static java.util.Map.entry;

import com.fbali.v1.ErrorReason;
import io.grpc.Status;
import java.util.Map;

/** What this program does about a refusal. */
enum Reaction {
  /** Nothing was done, or nobody knows: the same call again, for as long as it takes. */
  RETRY,
  /** A bound was reached, which may pass: the same call again, a few times. */
  RETRY_A_FEW_TIMES,
  /** What was read is old: read it again and decide anew. */
  READ_AGAIN,
  /** This one cannot be done, or not any more: say so and go on with the next. */
  SKIP,
  /** The resume token is worth nothing: watch anew, with the initial state. */
  START_OVER,
  /** No call will be better: a person has to look. */
  STOP;

  /** By google.rpc.ErrorInfo.reason, which says what happened. Others are judged by their code. */
  private static final Map<String, Reaction> BY_REASON =
      Map.ofEntries(
          reason(ErrorReason.ERROR_REASON_TEMPORARILY_UNAVAILABLE, RETRY),
          reason(ErrorReason.ERROR_REASON_LIMIT_EXCEEDED, RETRY_A_FEW_TIMES),
          reason(ErrorReason.ERROR_REASON_UPLOAD_GAP, READ_AGAIN),
          reason(ErrorReason.ERROR_REASON_CHECKSUM_MISMATCH, READ_AGAIN),
          reason(ErrorReason.ERROR_REASON_ETAG_MISMATCH, READ_AGAIN),
          reason(ErrorReason.ERROR_REASON_QUANTITY_EXCEEDED, READ_AGAIN),
          reason(ErrorReason.ERROR_REASON_ILLEGAL_TRANSITION, SKIP),
          reason(ErrorReason.ERROR_REASON_RESOURCE_NOT_FOUND, SKIP),
          reason(ErrorReason.ERROR_REASON_RESOURCE_ALREADY_EXISTS, SKIP),
          reason(ErrorReason.ERROR_REASON_REQUEST_ID_REUSED, SKIP),
          reason(ErrorReason.ERROR_REASON_INVALID_FIELD, SKIP),
          reason(ErrorReason.ERROR_REASON_INTERNAL, SKIP),
          reason(ErrorReason.ERROR_REASON_RESUME_TOKEN_EXPIRED, START_OVER),
          reason(ErrorReason.ERROR_REASON_RESUME_TOKEN_INVALID, START_OVER),
          reason(ErrorReason.ERROR_REASON_TOKEN_MISSING, STOP),
          reason(ErrorReason.ERROR_REASON_TOKEN_INVALID, STOP),
          reason(ErrorReason.ERROR_REASON_ROLE_NOT_ALLOWED, STOP),
          reason(ErrorReason.ERROR_REASON_METHOD_UNKNOWN, STOP));

  /** For reasons that are younger than this program, and where no server gave one. */
  private static final Map<Status.Code, Reaction> BY_CODE =
      Map.ofEntries(
          entry(Status.Code.UNAVAILABLE, RETRY),
          entry(Status.Code.DEADLINE_EXCEEDED, RETRY),
          entry(Status.Code.CANCELLED, RETRY),
          entry(Status.Code.RESOURCE_EXHAUSTED, RETRY_A_FEW_TIMES),
          entry(Status.Code.UNKNOWN, RETRY_A_FEW_TIMES),
          entry(Status.Code.ABORTED, READ_AGAIN),
          entry(Status.Code.OUT_OF_RANGE, START_OVER),
          entry(Status.Code.UNAUTHENTICATED, STOP),
          entry(Status.Code.PERMISSION_DENIED, STOP),
          entry(Status.Code.UNIMPLEMENTED, STOP));

  static Reaction to(String reason, Status.Code code) {
    Reaction known = BY_REASON.get(reason);
    return known != null ? known : BY_CODE.getOrDefault(code, SKIP);
  }

  private static Map.Entry<String, Reaction> reason(ErrorReason reason, Reaction reaction) {
    return entry(reason.name().substring("ERROR_REASON_".length()), reaction);
  }
}
