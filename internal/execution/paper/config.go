package paper

import (
	"context"
	"iter"
	"log/slog"
	"strconv"
	"time"

	"github.com/fullon/fullon/domain"
)

// Ticks is where the prices come from; *client.Ticks is one. Get's error
// matches domain.ErrNotFound where there is none; GetEach gives the zero Tick
// there. Watch goes on after an error that matches domain.ErrUnreachable.
type Ticks interface {
	Get(ctx context.Context, exchange, symbol string) (domain.Tick, error)
	GetEach(ctx context.Context, exchange string, symbols []string) ([]domain.Tick, error)
	Watch(ctx context.Context, exchange string, symbols ...string) iter.Seq2[domain.Tick, error]
}

// Config is what an Exchange is made from. The zero value of a field takes its
// default.
type Config struct {
	Exchange string // the exchange whose ticks and orders these are; required
	Dir      string // where the journal is; made if it is missing; required
	Ticks    Ticks  // required

	// Balances is what each account begins with, by currency. Accounts names
	// those that begin with something else. Both matter for accounts that the
	// journal does not know; default: nothing.
	Balances map[string]domain.Decimal
	Accounts map[string]map[string]domain.Decimal

	// MakerBPS and TakerBPS are the fees in 1/10000 of price times volume,
	// between -1000 and 1000; negative: a rebate. Default 0.
	MakerBPS domain.Decimal
	TakerBPS domain.Decimal
	// LimitSizes lets a tick fill no more than it offers. Default: it fills all.
	LimitSizes bool
	// MaxTickAge is the age at which a tick fills nothing any more. Default 10s.
	MaxTickAge time.Duration
	// MaxOpen is how many orders of an account may rest. Default 1000.
	MaxOpen int
	// MaxAccounts is how many accounts there may be. Default 1000.
	MaxAccounts int
	// Remember is how long orders that ended, and fills, are known. Their ids
	// are free after that. Default 24h.
	Remember time.Duration

	// Sync says when an answer may leave. The default survives a loss of power.
	Sync Sync
	// CompactBytes is how much the journal grows, if it has doubled, until it is
	// written anew, with nothing in it but what is known then. Default 16 MiB; at
	// least 4 KiB.
	CompactBytes int64

	// Latency is how long each call takes, plus up to LatencySpread, at random.
	// Default 0.
	Latency       time.Duration
	LatencySpread time.Duration
	Faults        Faults

	Now    func() time.Time // default time.Now
	Logger *slog.Logger     // nil: none
}

// Sync says how sure a change must be before it is told.
type Sync uint8

// The policies.
const (
	SyncAlways Sync = 0 // on the disk: survives a loss of power
	SyncNever  Sync = 1 // with the operating system: survives a kill of the process
)

// Faults is what goes wrong on purpose: how many of 1000 calls, each decided by
// a generator of its own that Seed starts.
type Faults struct {
	Seed uint64
	// LostRequests never arrive, LostAnswers do: both are unanswered after
	// Hang, or when the caller's deadline ends.
	LostRequests int
	LostAnswers  int
	// Rejects are orders that the venue does not want, for no reason.
	Rejects int
	// Limits are calls that are refused for a rate limit, to be tried again
	// after RetryAfter. Default 1s.
	Limits     int
	RetryAfter time.Duration
	// Hang is how long a lost call takes to be given up. Default: at once.
	Hang time.Duration
}

// WithDefaults returns the settings with every zero field filled in.
func (c Config) WithDefaults() Config {
	set := func(field *time.Duration, value time.Duration) {
		if *field == 0 {
			*field = value
		}
	}
	set(&c.MaxTickAge, 10*time.Second)
	set(&c.Remember, 24*time.Hour)
	set(&c.Faults.RetryAfter, time.Second)
	if c.MaxOpen == 0 {
		c.MaxOpen = 1000
	}
	if c.MaxAccounts == 0 {
		c.MaxAccounts = 1000
	}
	if c.CompactBytes == 0 {
		c.CompactBytes = 16 << 20
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Validate tells what is wrong with filled-in settings. The error is a
// *domain.FieldError.
func (c Config) Validate() error {
	if err := domain.CheckExchange(c.Exchange); err != nil {
		return err
	}
	switch {
	case c.Dir == "":
		return domain.Invalid("dir", "", "a directory")
	case c.Ticks == nil:
		return domain.Invalid("ticks", "", "where the prices come from")
	case c.MaxOpen < 0:
		return domain.Invalid("max_open", strconv.Itoa(c.MaxOpen), "at least 1")
	case c.MaxAccounts < 0:
		return domain.Invalid("max_accounts", strconv.Itoa(c.MaxAccounts), "at least 1")
	case c.Sync > SyncNever:
		return domain.Invalid("sync", strconv.Itoa(int(c.Sync)), "always or never")
	case c.CompactBytes < 4<<10:
		return domain.Invalid("compact_bytes", strconv.FormatInt(c.CompactBytes, 10), "at least 4096")
	}
	for _, f := range [...]struct {
		name  string
		value time.Duration
		least time.Duration
	}{
		{"max_tick_age", c.MaxTickAge, 1},
		{"remember", c.Remember, 1},
		{"latency", c.Latency, 0},
		{"latency_spread", c.LatencySpread, 0},
		{"faults_hang", c.Faults.Hang, 0},
		{"faults_retry_after", c.Faults.RetryAfter, 0},
	} {
		if f.value < f.least {
			return domain.Invalid(f.name, f.value.String(), "not negative")
		}
	}
	for _, f := range [...]struct {
		name  string
		value domain.Decimal
	}{{"maker_bps", c.MakerBPS}, {"taker_bps", c.TakerBPS}} {
		if f.value.Abs().GreaterThan(maxBPS) {
			return domain.Invalid(f.name, f.value.String(), "-1000 to 1000")
		}
	}
	for _, f := range [...]struct {
		name  string
		value int
	}{
		{"faults_lost_requests", c.Faults.LostRequests}, {"faults_lost_answers", c.Faults.LostAnswers},
		{"faults_rejects", c.Faults.Rejects}, {"faults_limits", c.Faults.Limits},
	} {
		if f.value < 0 || f.value > 1000 {
			return domain.Invalid(f.name, strconv.Itoa(f.value), "0 to 1000, of 1000 calls")
		}
	}
	return c.validateBalances()
}

func (c Config) validateBalances() error {
	check := func(balances map[string]domain.Decimal) error {
		for currency, amount := range balances {
			if err := domain.CheckCurrency(currency); err != nil {
				return err
			}
			if amount.IsNeg() || amount.GreaterThan(maxWorth) {
				return domain.Invalid("balances", currency+" "+amount.String(), "0 to "+maxWorth.String())
			}
		}
		return nil
	}
	if err := check(c.Balances); err != nil {
		return err
	}
	for account, balances := range c.Accounts {
		if err := domain.CheckAccount(account); err != nil {
			return err
		}
		if err := check(balances); err != nil {
			return err
		}
	}
	return nil
}
