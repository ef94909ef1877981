// Command vendor is what a vendor agent could start from: it watches its allocations, accepts them,
// ships them and answers customers' cases, in the face of restarts on both sides.
//
// ../README.md says which variables configure it. It tells on standard output what it did, one JSON
// object a line, and on standard error what a person wants to know.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	pb "example.com/fbali-vendor/gen/fbali/v1"
)

func main() {
	log.SetFlags(log.Ltime)
	settings, err := readSettings(os.Getenv)
	if err != nil {
		log.Print(err)
		os.Exit(2)
	}
	connection, err := connect(settings)
	if err != nil {
		log.Print(err)
		os.Exit(2)
	}
	defer connection.Close()

	// SIGTERM ends calls and waits; what was begun is done by the next run, under the same request ids.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	agent := vendor{
		settings:    settings,
		fulfillment: pb.NewFulfillmentServiceClient(connection),
		afterSales:  pb.NewAfterSalesServiceClient(connection),
	}
	if err := agent.watch(ctx); err != nil {
		log.Printf("cannot go on: %v", err)
		report("gave_up", "reason", refusalOf(err).reason)
		os.Exit(1)
	}
	report("stopped")
}

// vendor is one agent at work.
type vendor struct {
	settings    settings
	fulfillment pb.FulfillmentServiceClient
	afterSales  pb.AfterSalesServiceClient
}

// report tells on standard output what was done; words are keys and values in turn.
func report(did string, words ...any) {
	line := map[string]any{"did": did}
	for i := 0; i < len(words); i += 2 {
		line[words[i].(string)] = words[i+1]
	}
	text, err := json.Marshal(line)
	if err != nil {
		panic(err) // Strings and booleans can always be written.
	}
	fmt.Println(string(text))
}
