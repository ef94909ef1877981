package main

import (
	"context"
	"errors"
	"io"
	"log"
	"os"
	"strings"
	"time"

	pb "example.com/fbali-vendor/gen/fbali/v1"
	"google.golang.org/protobuf/types/known/durationpb"
)

// watch works until ctx ends, over any number of streams; the error is one that a person has to see.
func (v *vendor) watch(ctx context.Context) error {
	for failures := 1; ; failures++ {
		seen, err := v.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		refused := refusalOf(err)
		switch refused.action {
		case stop:
			return err
		case startOver:
			if err := v.saveToken(""); err != nil {
				return err
			}
			report("started_over", "reason", refused.reason)
		default:
			if err != nil {
				log.Printf("the watch broke off: %v", err)
			}
			report("reconnecting", "code", refused.code, "reason", refused.reason)
		}
		if seen {
			failures = 1
		}
		pause(ctx, max(refused.delay, backoffOf(failures)))
	}
}

// follow reads one stream to its end; seen tells whether it brought anything.
func (v *vendor) follow(ctx context.Context) (seen bool, err error) {
	ctx, cancel := context.WithCancel(ctx) // Leaves no stream behind, however this ends.
	defer cancel()
	token, err := v.savedToken()
	if err != nil {
		return false, err
	}
	stream, err := v.fulfillment.WatchAllocations(ctx, &pb.WatchAllocationsRequest{
		Parent:              "vendors/-",
		ResumeToken:         token,
		IncludeInitialState: true,
		BookmarkInterval:    durationpb.New(v.settings.caseInterval),
	})
	if err != nil {
		return false, err
	}
	report("watching", "resumed", token != "")
	var looked time.Time
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return seen, nil // The server ends a watch now and then, and when it stops.
		}
		if err != nil {
			return seen, err
		}
		seen = true
		if err := v.handle(ctx, message); err != nil {
			return seen, err
		}
		// Only now: what was not dealt with comes again after a crash.
		if err := v.saveToken(message.ResumeToken); err != nil {
			return seen, err
		}
		// Bookmarks bring a quiet watch here as often as this.
		if time.Since(looked) >= v.settings.caseInterval {
			if err := v.answerCases(ctx); err != nil {
				return seen, err
			}
			looked = time.Now()
		}
	}
}

func (v *vendor) handle(ctx context.Context, message *pb.WatchAllocationsResponse) error {
	switch content := message.Content.(type) {
	case *pb.WatchAllocationsResponse_Allocation:
		return v.attend(ctx, content.Allocation.Name, content.Allocation)
	case *pb.WatchAllocationsResponse_Event:
		// An event may come twice, or late: what counts is how the allocation is now.
		return v.attend(ctx, content.Event.Allocation, nil)
	case *pb.WatchAllocationsResponse_InitialStateComplete:
		log.Print("all that was open is dealt with; waiting for news")
	}
	return nil // Bookmarks, and what a newer server may send.
}

func (v *vendor) savedToken() (string, error) {
	text, err := os.ReadFile(v.settings.stateFile)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(text)), err
}

// saveToken replaces the file as a whole, so that a crash leaves the old token or the new one.
func (v *vendor) saveToken(token string) error {
	fresh := v.settings.stateFile + ".new"
	if err := os.WriteFile(fresh, []byte(token+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, v.settings.stateFile)
}
