package main

import (
	"context"
	"log"
	"math/rand/v2"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// action is what to do after a refusal.
type action int

const (
	passOver     action = iota // Leave this one thing alone: trying it again changes nothing.
	readAgain                  // Somebody else changed it: read it and decide anew.
	waitOutage                 // Nothing was done: say the same again until it works.
	waitSome                   // The same, a few times.
	resumeUpload               // Ask how far the upload has come, and go on there.
	startOver                  // The resume token is of no use: begin with the initial state.
	stop                       // A mistake of this program or of its token: a person has to look.
)

const (
	domain       = "fbali.v1"
	triesMax     = 5
	waitMin      = 100 * time.Millisecond
	waitMax      = 2 * time.Second
	callDuration = 20 * time.Second
)

// byReason has a row for every ErrorReason of the contract (a test looks), without its prefix.
var byReason = map[string]action{
	"ETAG_MISMATCH":               readAgain,
	"TEMPORARILY_UNAVAILABLE":     waitOutage,
	"LIMIT_EXCEEDED":              waitSome,
	"INTERNAL":                    waitSome,
	"GATEWAY_THROTTLED":           waitSome,
	"GATEWAY_SERVER_ERROR":        waitSome,
	"GATEWAY_ANSWER_MALFORMED":    waitSome,
	"GATEWAY_TIMEOUT":             waitSome,
	"GATEWAY_UNREACHABLE":         waitSome,
	"UPLOAD_GAP":                  resumeUpload,
	"CHECKSUM_MISMATCH":           resumeUpload,
	"RESUME_TOKEN_EXPIRED":        startOver,
	"RESUME_TOKEN_INVALID":        startOver,
	"ILLEGAL_TRANSITION":          passOver,
	"QUANTITY_EXCEEDED":           passOver,
	"RESOURCE_NOT_FOUND":          passOver,
	"RESOURCE_ALREADY_EXISTS":     passOver,
	"PARTNERSHIP_INACTIVE":        passOver,
	"STORE_DISCONNECTED":          passOver,
	"PRECONDITION_FAILED":         passOver,
	"UNITS_NOT_CLAIMABLE":         passOver,
	"EVIDENCE_MISSING":            passOver,
	"REFUND_EXCEEDS_PAID":         passOver,
	"PHOTO_TYPE_UNSUPPORTED":      passOver,
	"PHOTO_TOO_MANY_PIXELS":       passOver,
	"PHOTO_ANIMATED":              passOver,
	"PHOTO_UNREADABLE":            passOver,
	"PHOTO_TOO_COMPLEX":           passOver,
	"GATEWAY_CREDENTIALS_REFUSED": passOver,
	"GATEWAY_NOT_FOUND":           passOver,
	"GATEWAY_CERTIFICATE_INVALID": passOver,
	"GATEWAY_REQUEST_REFUSED":     passOver,
	"TOKEN_MISSING":               stop,
	"TOKEN_INVALID":               stop,
	"ROLE_NOT_ALLOWED":            stop,
	"INVALID_FIELD":               stop,
	"PAGE_TOKEN_INVALID":          stop,
	"REQUEST_ID_REUSED":           stop,
	"METHOD_UNKNOWN":              stop,
	"UNSPECIFIED":                 stop,
}

// byCode is for refusals without a reason, or with one that a newer server has; others are passed over.
var byCode = map[codes.Code]action{
	codes.Unavailable:       waitOutage,
	codes.DeadlineExceeded:  waitOutage,
	codes.Canceled:          waitOutage,
	codes.Unknown:           waitSome,
	codes.Internal:          waitSome,
	codes.ResourceExhausted: waitSome,
	codes.Aborted:           waitSome,
	codes.Unauthenticated:   stop,
	codes.PermissionDenied:  stop,
	codes.Unimplemented:     stop,
}

// refusal is what an error of a call says.
type refusal struct {
	action   action
	code     string        // Of gRPC, as the specification writes it.
	reason   string        // Of ErrorReason, or the code when there is none.
	delay    time.Duration // How long the server asks to wait at least.
	incident string        // What the server's log calls the call.
}

func refusalOf(err error) refusal {
	said, ok := status.FromError(err)
	if !ok {
		return refusal{action: stop, reason: "LOCAL_FAILURE"} // Of a file, for example.
	}
	name := code.Code(said.Code()).String()
	found := refusal{action: byCode[said.Code()], code: name, reason: name}
	for _, detail := range said.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if known, ok := byReason[detail.Reason]; ok && detail.Domain == domain {
				found.action = known
			}
			found.reason = detail.Reason
		case *errdetails.RetryInfo:
			found.delay = detail.RetryDelay.AsDuration()
		case *errdetails.RequestInfo:
			found.incident = detail.RequestId
		}
	}
	return found
}

// insist makes a call until it succeeds, waiting does not help, or ctx ends. The request carries its
// request_id, so it does not matter whether a try whose answer was lost has done its work.
func insist[Q, A any](
	ctx context.Context, call func(context.Context, Q, ...grpc.CallOption) (A, error), request Q,
) (A, error) {
	for tries := 1; ; tries++ {
		limited, cancel := context.WithTimeout(ctx, callDuration)
		answer, err := call(limited, request)
		cancel()
		if err == nil || ctx.Err() != nil {
			return answer, err
		}
		refused := refusalOf(err)
		patient := refused.action == waitOutage || refused.action == waitSome && tries < triesMax
		if !patient {
			return answer, err
		}
		log.Printf("waiting: %v (%s)", err, refused.incident)
		pause(ctx, max(refused.delay, backoffOf(tries)))
	}
}

// backoffOf doubles with every try, and keeps clients that failed together from coming back together.
func backoffOf(tries int) time.Duration {
	bound := min(waitMin<<min(tries-1, 10), waitMax)
	return bound/2 + rand.N(bound/2)
}

func pause(ctx context.Context, wait time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(wait):
	}
}
