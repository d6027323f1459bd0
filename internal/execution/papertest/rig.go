package papertest

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/private"
)

// Rig is an exchange and what an adapter reaches it with.
type Rig struct {
	*Exchange
	Logs *executiontest.Log // what the adapter logs, all of it

	t   testing.TB
	api func(private.Config) (*private.Venue, error)
	own private.Config
}

// NewRig starts an exchange for an adapter, which api makes. own is what its
// configuration has of the venue's own: the key, the symbols, and the path of
// the stream for StreamURL.
func NewRig(t testing.TB, exchange string, dialect func(*Exchange) http.Handler, api func(private.Config) (*private.Venue, error), own private.Config) *Rig {
	t.Helper()
	return &Rig{Exchange: New(t, exchange, dialect), Logs: &executiontest.Log{}, t: t, api: api, own: own}
}

// Config is how the adapter reaches the exchange. Waits are short.
func (r *Rig) Config() private.Config {
	cfg := r.own
	cfg.Account, cfg.RESTURL, cfg.StreamURL = AccountName, r.URL(), r.Stream()+r.own.StreamURL
	cfg.BackoffInitial, cfg.BackoffMax, cfg.BooksEvery = time.Millisecond, 20*time.Millisecond, time.Millisecond
	cfg.Logger = slog.New(slog.NewTextHandler(r.Logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return cfg
}

// Order is the first attempt of an order in the market that there is; a price
// makes it a limit order.
func (r *Rig) Order(id string, side domain.Side, volume, price string) domain.Order {
	return executiontest.Order(r.cfg.Exchange, AccountName, id, side, volume, price)
}

// Venue makes the adapter.
func (r *Rig) Venue(change ...func(*private.Config)) *private.Venue {
	r.t.Helper()
	cfg := r.Config()
	for _, c := range change {
		c(&cfg)
	}
	v, err := r.api(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(v.CloseIdle)
	return v
}
