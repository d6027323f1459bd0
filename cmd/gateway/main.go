// Command gateway: serves every verb over WebSocket.
package main

import (
	"os"

	"github.com/fullon/fullon/compose"
)

func main() {
	var command compose.GatewayCommand
	os.Exit(compose.Main("gateway", "Serves every verb over WebSocket, to any language.", &command, nil, os.Args[1:], os.Stderr))
}
