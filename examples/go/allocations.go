package main

import (
	"context"
	"fmt"
	"log"
	"path"
	"strings"

	pb "example.com/fbali-vendor/gen/fbali/v1"
	"github.com/google/uuid"
)

// attend does what an allocation needs, as it is now; absent, it is read first.
func (v *vendor) attend(ctx context.Context, name string, allocation *pb.Allocation) error {
	for tries := 1; ; tries++ {
		err := v.advance(ctx, name, allocation)
		if err == nil {
			return nil
		}
		if refusalOf(err).action != readAgain || tries == triesMax {
			return passedOver(ctx, name, err)
		}
		allocation = nil
	}
}

// advance accepts and ships. An allocation that is accepted or packed already is left as it is, so
// a second look does no harm.
func (v *vendor) advance(ctx context.Context, name string, allocation *pb.Allocation) error {
	if allocation == nil {
		answer, err := insist(ctx, v.fulfillment.GetAllocation, &pb.GetAllocationRequest{Name: name})
		if err != nil {
			return err
		}
		allocation = answer.Allocation
	}
	if allocation.State == pb.AllocationState_ALLOCATION_STATE_SUBMITTED {
		answer, err := insist(ctx, v.fulfillment.AcceptAllocation, &pb.AcceptAllocationRequest{
			Name:      name,
			Etag:      allocation.Etag,
			RequestId: requestID("accept", name, allocation.Etag),
		})
		if err != nil {
			return err
		}
		report("accepted", "allocation", name)
		allocation = answer.Allocation
	}
	lines := unpacked(allocation)
	if allocation.State != pb.AllocationState_ALLOCATION_STATE_ACCEPTED || len(lines) == 0 {
		return nil
	}
	answer, err := insist(ctx, v.fulfillment.CreatePackage, &pb.CreatePackageRequest{
		Parent:         name,
		TrackingNumber: v.label(allocation),
		Lines:          lines,
		Etag:           allocation.Etag,
		RequestId:      requestID("ship", name, allocation.Etag),
	})
	if err != nil {
		return err
	}
	parcel := answer.Package
	report("shipped", "allocation", name, "package", parcel.Name, "tracking_number", parcel.TrackingNumber)
	return nil
}

// unpacked lists the units that are still to go into a parcel.
func unpacked(allocation *pb.Allocation) []*pb.PackageLine {
	var lines []*pb.PackageLine
	for _, line := range allocation.Lines {
		if left := line.Quantity - line.PackedQuantity - line.ReturnedQuantity; left > 0 {
			lines = append(lines, &pb.PackageLine{Line: line.Line, Quantity: left})
		}
	}
	return lines
}

// label makes a tracking number, where a real vendor would ask its carrier for one. It follows from
// the allocation, so that a second try for the same parcel says the same number.
func (v *vendor) label(allocation *pb.Allocation) string {
	number := v.settings.labelPrefix + strings.ToUpper(path.Base(allocation.Name))
	if parcels := len(allocation.Packages); parcels > 0 {
		number += fmt.Sprintf("-%d", parcels+1)
	}
	return number
}

// passedOver says that one thing was left alone, unless the whole program cannot go on.
func passedOver(ctx context.Context, name string, err error) error {
	refused := refusalOf(err)
	if refused.action == stop || ctx.Err() != nil {
		return err
	}
	log.Printf("%s is passed over: %v (%s)", name, err, refused.incident)
	report("passed_over", "subject", name, "reason", refused.reason)
	return nil
}

var namespace = uuid.MustParse("5d2c1f0e-58a7-4d0c-9a53-0b8f6f1c7e42")

// requestID names an intent: the same words give the same id, so that a retry, also one by the next
// run of this program, is known to the server. The etag is one of the words, because after an
// ETAG_MISMATCH the request says something else.
func requestID(words ...string) string {
	return uuid.NewSHA1(namespace, []byte(strings.Join(words, "/"))).String()
}
