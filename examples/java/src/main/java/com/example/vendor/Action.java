package com.example.vendor;

import static java.util.Map.entry;

import io.grpc.Status;
import java.util.Map;

/** What to do after a refusal. */
enum Action {
  /** Somebody else changed it: read it and decide anew. */
  READ_AGAIN,
  /** Nothing was done: say the same again until it works. */
  WAIT_OUTAGE,
  /** The same, a few times. */
  WAIT_SOME,
  /** Ask how far the upload has come, and go on there. */
  RESUME_UPLOAD,
  /** The resume token is of no use: begin with the initial state. */
  START_OVER,
  /** Leave this one thing alone: trying it again changes nothing. */
  PASS_OVER,
  /** A mistake of this program or of its token: a person has to look. */
  STOP;

  /** Has a row for every ErrorReason of the contract, without its prefix; a test looks. */
  static final Map<String, Action> BY_REASON =
      Map.ofEntries(
          entry("ETAG_MISMATCH", READ_AGAIN),
          entry("TEMPORARILY_UNAVAILABLE", WAIT_OUTAGE),
          entry("LIMIT_EXCEEDED", WAIT_SOME),
          entry("INTERNAL", WAIT_SOME),
          entry("GATEWAY_THROTTLED", WAIT_SOME),
          entry("GATEWAY_SERVER_ERROR", WAIT_SOME),
          entry("GATEWAY_ANSWER_MALFORMED", WAIT_SOME),
          entry("GATEWAY_TIMEOUT", WAIT_SOME),
          entry("GATEWAY_UNREACHABLE", WAIT_SOME),
          entry("UPLOAD_GAP", RESUME_UPLOAD),
          entry("CHECKSUM_MISMATCH", RESUME_UPLOAD),
          entry("RESUME_TOKEN_EXPIRED", START_OVER),
          entry("RESUME_TOKEN_INVALID", START_OVER),
          entry("ILLEGAL_TRANSITION", PASS_OVER),
          entry("QUANTITY_EXCEEDED", PASS_OVER),
          entry("RESOURCE_NOT_FOUND", PASS_OVER),
          entry("RESOURCE_ALREADY_EXISTS", PASS_OVER),
          entry("PARTNERSHIP_INACTIVE", PASS_OVER),
          entry("STORE_DISCONNECTED", PASS_OVER),
          entry("PRECONDITION_FAILED", PASS_OVER),
          entry("UNITS_NOT_CLAIMABLE", PASS_OVER),
          entry("EVIDENCE_MISSING", PASS_OVER),
          entry("REFUND_EXCEEDS_PAID", PASS_OVER),
          entry("PHOTO_TYPE_UNSUPPORTED", PASS_OVER),
          entry("PHOTO_TOO_MANY_PIXELS", PASS_OVER),
          entry("PHOTO_ANIMATED", PASS_OVER),
          entry("PHOTO_UNREADABLE", PASS_OVER),
          entry("PHOTO_TOO_COMPLEX", PASS_OVER),
          entry("GATEWAY_CREDENTIALS_REFUSED", PASS_OVER),
          entry("GATEWAY_NOT_FOUND", PASS_OVER),
          entry("GATEWAY_CERTIFICATE_INVALID", PASS_OVER),
          entry("GATEWAY_REQUEST_REFUSED", PASS_OVER),
          entry("TOKEN_MISSING", STOP),
          entry("TOKEN_INVALID", STOP),
          entry("ROLE_NOT_ALLOWED", STOP),
          entry("INVALID_FIELD", STOP),
          entry("PAGE_TOKEN_INVALID", STOP),
          entry("REQUEST_ID_REUSED", STOP),
          entry("METHOD_UNKNOWN", STOP),
          entry("UNSPECIFIED", STOP));

  /** For refusals without a reason, or with one that a newer server has. */
  private static final Map<Status.Code, Action> BY_CODE =
      Map.ofEntries(
          entry(Status.Code.UNAVAILABLE, WAIT_OUTAGE),
          entry(Status.Code.DEADLINE_EXCEEDED, WAIT_OUTAGE),
          entry(Status.Code.CANCELLED, WAIT_OUTAGE),
          entry(Status.Code.UNKNOWN, WAIT_SOME),
          entry(Status.Code.INTERNAL, WAIT_SOME),
          entry(Status.Code.RESOURCE_EXHAUSTED, WAIT_SOME),
          entry(Status.Code.ABORTED, WAIT_SOME),
          entry(Status.Code.UNAUTHENTICATED, STOP),
          entry(Status.Code.PERMISSION_DENIED, STOP),
          entry(Status.Code.UNIMPLEMENTED, STOP));

  static Action after(String reason, Status.Code code) {
    Action known = BY_REASON.get(reason);
    return known != null ? known : BY_CODE.getOrDefault(code, PASS_OVER);
  }
}
