package compose

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/fx"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/demo"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/paper"
)

// demoAccount is the paper account that orders of 'fullon up' are filled for.
const demoAccount = "paper"

// demoModule is a paper venue for the venue that is followed, a worker that
// sends orders there, and, if wanted, bots that push some.
func demoModule(feeds Feeds, data string, bots bool) fx.Option {
	exchange := Exchange(feeds.Venue)
	var symbols []string // that the paper account has money for
	for _, symbol := range feeds.Symbols {
		if strings.HasSuffix(symbol, "/USDT") {
			symbols = append(symbols, symbol)
		}
	}
	cfg := Execution{
		Exchange: exchange, Accounts: Accounts{demoAccount}, Venue: paperVenue, Concurrency: 64,
		Timeout: Period(3 * time.Second), Margin: Period(time.Second), MaxTickAge: Period(10 * time.Second),
		OrderQueues: OrderQueues{Lease: Period(5 * time.Second), MaxTries: 20},
	}
	venue := Paper{
		Exchange: exchange, Balances: Balances{"USDT": domain.MustDecimal("100000")},
		TakerBPS: Amount{domain.MustDecimal("10")}, MakerBPS: Amount{domain.MustDecimal("10")}, Latency: Period(time.Millisecond),
	}
	options := []fx.Option{
		paperModule(venue, filepath.Join(data, "paper", string(exchange))),
		fx.Provide(func(x *paper.Exchange) venueOf {
			return func(account string, _ *slog.Logger) (execution.Venue, error) { return x.Venue(account) }
		}),
		orderWorkerModule(cfg),
	}
	if bots && len(symbols) > 0 {
		options = append(options, fx.Invoke(func(s supervisor, b *bus.Bus, store *cachestore.Store, log *slog.Logger) {
			handle := client.New(b, store)
			s.onStop(func() error { handle.Close(); return nil })
			s.run("demo bots", func(ctx context.Context) error {
				return demo.Run(ctx, handle, demo.Config{
					Exchange: string(exchange), Account: demoAccount, Symbols: symbols, Worth: domain.MustDecimal("100"), Log: log,
				})
			})
		}))
	}
	return fx.Options(options...)
}
