// Command orderworker: takes orders from the queue and sends them to a venue.
package main

import (
	"os"

	"github.com/fullon/fullon/compose"
)

func main() {
	var command compose.OrderWorkerCommand
	os.Exit(compose.Main("orderworker", "Takes orders from the queue and sends them to a venue.", &command, nil, os.Args[1:], os.Stderr))
}
