// Command ingest: brings a venue's feed into the log.
package main

import (
	"os"

	"github.com/fullon/fullon/compose"
)

func main() {
	var command compose.IngestCommand
	os.Exit(compose.Main("ingest", "Brings a venue's feed into the log.", &command, map[string]string{"venue": "binance"}, os.Args[1:], os.Stderr))
}
