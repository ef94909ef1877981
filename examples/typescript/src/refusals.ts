import { Code, ConnectError } from "@connectrpc/connect";
import type { ErrorReason } from "../gen/fbali/v1/error_reason_pb.js";
import {
  ErrorInfoSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from "../gen/google/rpc/error_details_pb.js";

/** What to do after a refusal. */
export type Action =
  | "readAgain" // Somebody else changed it: read it and decide anew.
  | "waitOutage" // Nothing was done: say the same again until it works.
  | "waitSome" // The same, a few times.
  | "resumeUpload" // Ask how far the upload has come, and go on there.
  | "startOver" // The resume token is of no use: begin with the initial state.
  | "passOver" // Leave this one thing alone: trying it again changes nothing.
  | "stop"; // A mistake of this program or of its token: a person has to look.

/** The names of the contract as they travel: without their prefix. */
type Reason = keyof typeof ErrorReason;

const DOMAIN = "fbali.v1";

/** Has a row for every ErrorReason of the contract: the compiler looks. */
export const BY_REASON: Readonly<Record<Reason, Action>> = {
  ETAG_MISMATCH: "readAgain",
  TEMPORARILY_UNAVAILABLE: "waitOutage",
  LIMIT_EXCEEDED: "waitSome",
  INTERNAL: "waitSome",
  GATEWAY_THROTTLED: "waitSome",
  GATEWAY_SERVER_ERROR: "waitSome",
  GATEWAY_ANSWER_MALFORMED: "waitSome",
  GATEWAY_TIMEOUT: "waitSome",
  GATEWAY_UNREACHABLE: "waitSome",
  UPLOAD_GAP: "resumeUpload",
  CHECKSUM_MISMATCH: "resumeUpload",
  RESUME_TOKEN_EXPIRED: "startOver",
  RESUME_TOKEN_INVALID: "startOver",
  ILLEGAL_TRANSITION: "passOver",
  QUANTITY_EXCEEDED: "passOver",
  RESOURCE_NOT_FOUND: "passOver",
  RESOURCE_ALREADY_EXISTS: "passOver",
  PARTNERSHIP_INACTIVE: "passOver",
  STORE_DISCONNECTED: "passOver",
  PRECONDITION_FAILED: "passOver",
  UNITS_NOT_CLAIMABLE: "passOver",
  EVIDENCE_MISSING: "passOver",
  REFUND_EXCEEDS_PAID: "passOver",
  PHOTO_TYPE_UNSUPPORTED: "passOver",
  PHOTO_TOO_MANY_PIXELS: "passOver",
  PHOTO_ANIMATED: "passOver",
  PHOTO_UNREADABLE: "passOver",
  PHOTO_TOO_COMPLEX: "passOver",
  GATEWAY_CREDENTIALS_REFUSED: "passOver",
  GATEWAY_NOT_FOUND: "passOver",
  GATEWAY_CERTIFICATE_INVALID: "passOver",
  GATEWAY_REQUEST_REFUSED: "passOver",
  TOKEN_MISSING: "stop",
  TOKEN_INVALID: "stop",
  ROLE_NOT_ALLOWED: "stop",
  INVALID_FIELD: "stop",
  PAGE_TOKEN_INVALID: "stop",
  REQUEST_ID_REUSED: "stop",
  METHOD_UNKNOWN: "stop",
  UNSPECIFIED: "stop",
};

/** For refusals without a reason, or with one that a newer server has; others are passed over. */
const BY_CODE: Partial<Record<Code, Action>> = {
  [Code.Unavailable]: "waitOutage",
  [Code.DeadlineExceeded]: "waitOutage",
  [Code.Canceled]: "waitOutage",
  [Code.Unknown]: "waitSome",
  [Code.Internal]: "waitSome",
  [Code.ResourceExhausted]: "waitSome",
  [Code.Aborted]: "waitSome",
  [Code.Unauthenticated]: "stop",
  [Code.PermissionDenied]: "stop",
  [Code.Unimplemented]: "stop",
};

/** What the error of a call says. */
export interface Refusal {
  readonly action: Action;
  /** Of gRPC, as the specification writes it. */
  readonly code: string;
  /** Of ErrorReason, or the code when there is none. */
  readonly reason: string;
  /** How long the server asks to wait at least. */
  readonly delayMs: number;
  /** What the server's log calls the call, or empty. */
  readonly incident: string;
}

export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof ConnectError)) {
    // Of a file, for example.
    return { action: "stop", code: "", reason: "LOCAL_FAILURE", delayMs: 0, incident: "" };
  }
  const code = codeName(error.code);
  const info = error.findDetails(ErrorInfoSchema).find((detail) => detail.domain === DOMAIN);
  const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  return {
    action: actionAfter(info?.reason ?? "", error.code),
    code,
    reason: info?.reason || code,
    delayMs: delay ? Number(delay.seconds) * 1000 + delay.nanos / 1e6 : 0,
    incident: error.findDetails(RequestInfoSchema)[0]?.requestId ?? "",
  };
}

function actionAfter(reason: string, code: Code): Action {
  if (Object.hasOwn(BY_REASON, reason)) {
    return BY_REASON[reason as Reason];
  }
  return BY_CODE[code] ?? "passOver";
}

/** Turns DeadlineExceeded into DEADLINE_EXCEEDED; gRPC alone writes CANCELLED with two L. */
function codeName(code: Code): string {
  const name = Code[code] ?? "Unknown";
  return code === Code.Canceled ? "CANCELLED" : name.replace(/(?<=.)[A-Z]/g, "_$&").toUpperCase();
}
