// Command fullon: the real-time backbone for trading bots: run it, look into it.
package main

import (
	"os"

	"github.com/fullon/fullon/compose"
)

func main() {
	var command compose.FullonCommand
	os.Exit(compose.Main("fullon", "The real-time backbone for trading bots: run it, look into it.", &command, map[string]string{"venue": "sim"}, os.Args[1:], os.Stderr))
}
