// Command all runs every example, one after the other, on one deployment.
//
//	go run ./examples/all -operations all
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/fullon/fullon/examples/internal/example"
)

// examples are the programs of this folder, in an order in which none disturbs
// the next: base clears the cache.
var examples = []string{"ticks", "trades", "candles", "accounts", "fills", "orders", "bots", "venues", "symbols", "processes", "websocket", "base"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "all:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	natsURL, redisAddr, end, err := example.Start(ctx)
	if err != nil {
		return err
	}
	defer end()
	for _, name := range examples {
		cmd := exec.CommandContext(ctx, "go", append([]string{"run", "-ldflags=-s -w", "github.com/fullon/fullon/examples/" + name}, os.Args[1:]...)...)
		cmd.Env = append(os.Environ(), "NATS_URL="+natsURL, "REDIS_ADDR="+redisAddr)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("example %s: %w", name, err)
		}
	}
	return nil
}
