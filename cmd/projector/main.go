// Command projector: folds the log into Redis.
package main

import (
	"os"

	"github.com/fullon/fullon/compose"
)

func main() {
	var command compose.ProjectorCommand
	os.Exit(compose.Main("projector", "Folds the log into Redis.", &command, nil, os.Args[1:], os.Stderr))
}
