package main

import (
	"os"
	"strings"
	"testing"
	"time"

	pb "example.com/fbali-vendor/gen/fbali/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
)

func TestEveryReasonOfTheContractHasItsAction(t *testing.T) {
	for name := range pb.ErrorReason_value {
		reason := strings.TrimPrefix(name, "ERROR_REASON_")
		if _, ok := byReason[reason]; !ok {
			t.Errorf("%s has no row", reason)
		}
	}
	if len(byReason) != len(pb.ErrorReason_value) {
		t.Errorf("%d rows for %d reasons", len(byReason), len(pb.ErrorReason_value))
	}
}

func TestReasonDecidesBeforeTheCode(t *testing.T) {
	for _, row := range []struct {
		code         codes.Code
		domain       string
		reason       string
		wantedAction action
		wantedReason string
	}{
		{codes.Aborted, domain, "ETAG_MISMATCH", readAgain, "ETAG_MISMATCH"},
		{codes.FailedPrecondition, domain, "ILLEGAL_TRANSITION", passOver, "ILLEGAL_TRANSITION"},
		{codes.Unauthenticated, domain, "TOKEN_INVALID", stop, "TOKEN_INVALID"},
		{codes.OutOfRange, domain, "RESUME_TOKEN_EXPIRED", startOver, "RESUME_TOKEN_EXPIRED"},
		{codes.PermissionDenied, domain, "OF_A_NEWER_SERVER", stop, "OF_A_NEWER_SERVER"},
		{codes.Unavailable, "a.proxy", "TOKEN_INVALID", waitOutage, "TOKEN_INVALID"},
		{codes.Unavailable, "", "", waitOutage, "UNAVAILABLE"},
		{codes.NotFound, "", "", passOver, "NOT_FOUND"},
	} {
		var details []protoadapt.MessageV1
		if row.reason != "" {
			details = append(details, &errdetails.ErrorInfo{Reason: row.reason, Domain: row.domain})
		}
		said, err := status.New(row.code, "refused").WithDetails(details...)
		if err != nil {
			t.Fatal(err)
		}
		found := refusalOf(said.Err())
		if found.action != row.wantedAction || found.reason != row.wantedReason {
			t.Errorf("%v: got %+v", row, found)
		}
	}
}

func TestServerSaysHowLongToWait(t *testing.T) {
	said, err := status.New(codes.Unavailable, "busy").WithDetails(
		&errdetails.RetryInfo{RetryDelay: durationpb.New(700 * time.Millisecond)},
		&errdetails.RequestInfo{RequestId: "c1"},
	)
	if err != nil {
		t.Fatal(err)
	}
	found := refusalOf(said.Err())
	if found.delay != 700*time.Millisecond || found.incident != "c1" {
		t.Errorf("got %+v", found)
	}
}

func TestFailureOfThisMachineIsNoneOfTheServer(t *testing.T) {
	if found := refusalOf(os.ErrPermission); found.action != stop {
		t.Errorf("got %+v", found)
	}
}

func TestClearTextIsForThisMachineOnly(t *testing.T) {
	for target, wanted := range map[string]bool{
		"127.0.0.1:7443":           false,
		"[::1]:7443":               false,
		"localhost:7443":           false,
		"oms.example:7443":         true,
		"127.0.0.1.evil.test:7443": true,
		"10.0.0.1:7443":            true,
	} {
		if isTLS(settings{target: target}) != wanted {
			t.Errorf("%s: encrypted is not %v", target, wanted)
		}
	}
	if !isTLS(settings{target: "127.0.0.1:7443", caFile: "ca.pem"}) {
		t.Error("an authority is not asked for")
	}
}
