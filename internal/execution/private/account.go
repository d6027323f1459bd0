package private

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// Account is what an API works with: one account at one venue. Safe for
// concurrent use.
type Account struct {
	Cfg     Config // filled in
	Clock   *Clock
	Symbols *Symbols

	http     *http.Client
	wire     *http.Transport
	time     func(ctx context.Context) (time.Time, time.Duration, error) // the API's
	reading  chan struct{}                                               // held by who reads the clock
	scrubbed *strings.Replacer
}

func newAccount(cfg Config, own Own) *Account {
	wire := venue.NewTransport(cfg.Timeout)
	wire.MaxIdleConns, wire.MaxIdleConnsPerHost, wire.ForceAttemptHTTP2 = 0, 8, true
	const hidden = "xxxxx"
	return &Account{
		Cfg: cfg, Clock: &Clock{every: cfg.ClockEvery}, Symbols: &Symbols{now: cfg.Symbols, own: own},
		wire: wire, reading: make(chan struct{}, 1),
		http: &http.Client{
			Transport: wire,
			// A redirect would carry the key elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		scrubbed: strings.NewReplacer(cfg.Key, hidden, cfg.Secret, hidden, cmp.Or(cfg.Passphrase, cfg.Secret), hidden),
	}
}

// Scrub takes the key and the secret out of a text of the venue's, and shortens
// it to what a reason may be.
func (a *Account) Scrub(text string) string {
	return domain.Shorten(a.scrubbed.Replace(text), domain.MaxReasonBytes-64)
}

// tellTime reads the venue's clock where the last reading is too old. One
// caller does it for all who wait.
func (a *Account) tellTime(ctx context.Context) error {
	const what = "read the venue's clock"
	if a.Clock.Fresh() {
		return nil
	}
	select {
	case a.reading <- struct{}{}:
		defer func() { <-a.reading }()
	case <-ctx.Done():
		return &Failure{What: what, Cause: ctx.Err()}
	}
	if a.Clock.Fresh() {
		return nil
	}
	now, within, err := a.time(ctx)
	switch {
	case err == nil:
		a.Clock.Take(time.Now(), now, within) // dated when it came: never ahead of the venue
		return nil
	case Is(err, Limited):
		return err
	}
	// The venue's no to this is none to what it was asked for.
	return &Failure{What: what, Cause: errors.New(err.Error())}
}
