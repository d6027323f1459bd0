package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/sourcegraph/conc/pool"

	"github.com/fullon/fullon/domain"
)

// drainTime is how long clients have to take what is queued for them, and the
// close frame, when the exchange stops.
const drainTime = 2 * time.Second

// Exchange is a simulated venue. All methods are safe for concurrent use.
type Exchange struct {
	cfg      Config
	listener net.Listener
	weight   weightMeter
	ledger   *ledger // nil: accounts are not kept over restarts

	mu         sync.Mutex // guards everything below, the markets included
	markets    []*market
	byVenue    map[string]*market
	now        time.Time // up to where everything has happened
	nextSecond time.Time
	rng        *rand.Rand // for what is no market's
	conns      map[*conn]struct{}
	subs       map[string]map[*conn]struct{} // by stream
	accounts   []*account
	byKey      map[string]*account
	maker      fixed // fees, parts of one
	taker      fixed
	changes    changes // of the step that is being taken
	faults     []Fault
	broken     error // why the exchange cannot go on
	stopping   bool
	running    bool
	serving    sync.WaitGroup // connections
}

// New makes an exchange and opens its listener, so that the URLs are known;
// clients that connect wait for Run. Either Run or Close must be called. The
// error is a *domain.FieldError for a wrong Config, else the operating
// system's.
func New(cfg Config) (*Exchange, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("simulated exchange: %w", err)
	}
	x := &Exchange{
		cfg: cfg, byVenue: map[string]*market{}, now: cfg.Clock.Now(),
		rng:   rand.New(rand.NewPCG(cfg.Seed, 0)),
		conns: map[*conn]struct{}{}, subs: map[string]map[*conn]struct{}{}, byKey: map[string]*account{},
	}
	if err := x.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("simulated exchange: %w", err), x.closeJournals())
	}
	return x, nil
}

func (x *Exchange) open() error {
	if x.cfg.StateDir != "" {
		if err := os.MkdirAll(x.cfg.StateDir, 0o755); err != nil {
			return fmt.Errorf("state directory: %w", err)
		}
	}
	var listings []listing
	total := 0.0
	seen := map[string]bool{}
	for _, s := range x.cfg.Symbols {
		l, err := s.listing()
		if err != nil {
			return err
		}
		if seen[l.venue] {
			return domain.Invalid("symbols", s.Name, "each symbol once")
		}
		seen[l.venue] = true
		total += l.weight
		listings = append(listings, l)
	}
	for _, l := range listings {
		var j *journal
		if x.cfg.StateDir != "" {
			var err error
			if j, err = openJournal(x.cfg.StateDir, &l, x.cfg.KeepTrades); err != nil {
				return err
			}
		}
		m := newMarket(l, x.cfg, l.weight/total, j, x.now)
		x.markets = append(x.markets, m)
		x.byVenue[l.venue] = m
		// A clock that was set back since the last run must not reorder times.
		if last := time.UnixMilli(m.last.ms); m.last.id != 0 && last.After(x.now) {
			x.now = last
		}
	}
	x.nextSecond = x.now.Truncate(time.Second).Add(time.Second)
	if err := x.openAccounts(); err != nil {
		return err
	}
	var err error
	if x.listener, err = net.Listen("tcp", x.cfg.Addr); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return nil
}

func (x *Exchange) openAccounts() (err error) {
	for _, f := range [...]struct {
		name, text string
		to         *fixed
	}{{"maker_fee", x.cfg.MakerFee, &x.maker}, {"taker_fee", x.cfg.TakerFee, &x.taker}} {
		if *f.to, err = parseFixed(f.name, f.text); err != nil {
			return err
		}
		if *f.to >= unit/10 {
			return domain.Invalid(f.name, f.text, "less than 0.1")
		}
	}
	for _, account := range x.cfg.Accounts {
		a, err := account.open(x.markets)
		if err != nil {
			return err
		}
		if x.account(a.name) != nil || x.byKey[a.key] != nil {
			return domain.Invalid("account", a.name, "each name and each key once")
		}
		x.accounts = append(x.accounts, a)
		x.byKey[a.key] = a
	}
	if x.cfg.StateDir != "" && len(x.accounts) > 0 {
		x.ledger, err = openLedger(x)
	}
	return err
}

// WSURL is the base of the WebSocket endpoints, without a path: "ws://127.0.0.1:1234".
func (x *Exchange) WSURL() string { return "ws://" + x.listener.Addr().String() }

// RESTURL is the base of the REST endpoints, without a path: "http://127.0.0.1:1234".
func (x *Exchange) RESTURL() string { return "http://" + x.listener.Addr().String() }

// Run serves until ctx ends, then closes the connections with a close frame,
// waits for what is queued for them for at most 2 s, and returns nil. It
// returns an error when the listener or the journal fails. It must be called
// at most once; it closes the listener.
func (x *Exchange) Run(ctx context.Context) error {
	x.mu.Lock()
	if x.running || x.stopping {
		x.mu.Unlock()
		return errors.New("simulated exchange: already run or closed")
	}
	x.running = true
	x.mu.Unlock()
	x.cfg.Logger.Info("simulated exchange open", "ws", x.WSURL(), "rest", x.RESTURL(), "symbols", len(x.markets))

	server := &http.Server{Handler: x.handler(), ReadHeaderTimeout: 10 * time.Second}
	group := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError()
	group.Go(func(context.Context) error {
		if err := server.Serve(x.listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	group.Go(x.drive)
	group.Go(func(ctx context.Context) error {
		<-ctx.Done()
		x.drain()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		if err := server.Shutdown(stop); err != nil {
			_ = server.Close() // its error would repeat the one above
		}
		return nil
	})
	err := errors.Join(group.Wait(), x.closeJournals())
	if err != nil {
		return fmt.Errorf("simulated exchange: %w", err)
	}
	return nil
}

// Close releases the listener and the journal of an exchange that was never
// run. After Run it does nothing.
func (x *Exchange) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.running || x.stopping {
		return nil
	}
	x.stopping = true
	return errors.Join(x.listener.Close(), x.closeJournals())
}

func (x *Exchange) closeJournals() error {
	var errs []error
	for _, m := range x.markets {
		if m.journal != nil {
			errs = append(errs, m.journal.close())
		}
	}
	if x.ledger != nil {
		errs = append(errs, x.ledger.close())
	}
	return errors.Join(errs...)
}

// Trade makes so many orders of a unified symbol at once, besides what the
// market does by itself. The error matches domain.ErrNotFound for a symbol
// that is not listed, or is the journal's.
func (x *Exchange) Trade(symbol string, orders int) error {
	m, err := x.named(symbol)
	if err != nil {
		return err
	}
	_, err = x.step(func() (any, error) {
		for range orders {
			if x.broken = x.order(m); x.broken != nil {
				return nil, x.broken
			}
		}
		return nil, nil
	})
	return err
}

// Drop cuts every connection without a close frame, as a failing network
// does, and tells how many there were.
func (x *Exchange) Drop() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	for c := range x.conns {
		c.cut(errDropped)
	}
	return len(x.conns)
}
