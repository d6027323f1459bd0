package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

// Lister tells what a venue has now.
type Lister interface {
	Exchange() string
	Symbols(ctx context.Context) ([]domain.Symbol, error)
}

// Catalogue is where what a venue has is kept.
type Catalogue interface {
	// Venue reads a venue; the error matches domain.ErrNotFound for one that is
	// not known.
	Venue(ctx context.Context, exchange string) (domain.Venue, error)
	SetVenue(ctx context.Context, venue domain.Venue) error
	// Symbols reads what is known of the exchange.
	Symbols(ctx context.Context, exchange string) ([]domain.Symbol, error)
	// Replace makes the symbols those that are given and tells how many differ.
	Replace(ctx context.Context, exchange string, symbols []domain.Symbol) (changes int, err error)
}

// ErrImplausible says that a venue's catalogue cannot be right: it is empty, or
// lacks more than half of what is known.
var ErrImplausible = errors.New("implausible catalogue")

// ListingConfig says how a venue's catalogue is followed.
type ListingConfig struct {
	// Interval between two looks at the venue, give or take a tenth, so that many
	// processes do not all ask at once. Default 1 h.
	Interval time.Duration
	// Retry is the first wait after a look that failed; it doubles up to the
	// Interval. Default 1 s.
	Retry time.Duration
	// Report is told of catalogues that were refused. It must not block. Default:
	// nobody is told.
	Report func(text string)
	// Log takes what an operator should know. Default: slog.Default.
	Log *slog.Logger
}

func (c ListingConfig) withDefaults() ListingConfig {
	if c.Interval == 0 {
		c.Interval = time.Hour
	}
	if c.Retry == 0 {
		c.Retry = time.Second
	}
	if c.Report == nil {
		c.Report = func(string) {}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// Listing keeps the catalogue of one venue up to date: what the venue lists now
// is stored, what it has delisted is removed. A venue that does not answer keeps
// what it had. So does one whose answer is implausible: a broken answer must not
// take symbols away that bots trade.
type Listing struct {
	cfg       ListingConfig
	log       *slog.Logger
	source    Lister
	catalogue Catalogue
}

// NewListing makes a listing. It does no input or output.
func NewListing(cfg ListingConfig, source Lister, catalogue Catalogue) *Listing {
	cfg = cfg.withDefaults()
	return &Listing{cfg: cfg, log: cfg.Log.With("exchange", source.Exchange()), source: source, catalogue: catalogue}
}

// Run looks at once, and from then on every interval, until ctx ends; then it
// returns nil.
func (l *Listing) Run(ctx context.Context) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval, wait.Multiplier = min(l.cfg.Retry, l.cfg.Interval), l.cfg.Interval, 2
	said := ""
	for ctx.Err() == nil {
		changes, err := l.Refresh(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			if changes > 0 || said != "" {
				l.log.Info("catalogue up to date", "changes", changes)
			}
			said = ""
			wait.Reset()
			pause.For(ctx, jittered(l.cfg.Interval))
			continue
		}
		// The same failure again is no news.
		level := slog.LevelWarn
		if err.Error() == said {
			level = slog.LevelDebug
		} else if errors.Is(err, ErrImplausible) {
			l.cfg.Report("catalogue refused: " + err.Error())
		}
		said = err.Error()
		delay := wait.NextBackOff()
		l.log.Log(ctx, level, "catalogue stays as it was", "error", err, "again_in", delay)
		pause.For(ctx, delay)
	}
	return nil
}

func jittered(d time.Duration) time.Duration { return d - d/10 + rand.N(d/5+1) }

// Refresh looks at the venue once and stores what differs; it returns how many
// symbols did. The error matches ErrImplausible for a catalogue that cannot be
// right, domain.ErrUnreachable or domain.ErrUnknown for a log or a Redis that is
// away or behind, or is the venue's.
func (l *Listing) Refresh(ctx context.Context) (changes int, err error) {
	exchange := l.source.Exchange()
	symbols, err := l.source.Symbols(ctx)
	if err != nil {
		return 0, err
	}
	if len(symbols) == 0 {
		return 0, fmt.Errorf("%w: it is empty", ErrImplausible)
	}
	known, err := l.catalogue.Symbols(ctx, exchange)
	if err != nil {
		return 0, err
	}
	present := make(map[string]bool, len(symbols))
	for _, s := range symbols {
		present[s.Name] = true
	}
	missing := 0
	for _, k := range known {
		if !present[k.Name] {
			missing++
		}
	}
	if 2*missing > len(known) {
		return 0, fmt.Errorf("%w: it lacks %d of the %d symbols that are known", ErrImplausible, missing, len(known))
	}
	if changes, err = l.catalogue.Replace(ctx, exchange, symbols); err != nil {
		return changes, err
	}
	return changes, l.open(ctx, exchange)
}

// open notes that the venue answers. What people said of it stays, also that it is
// closed.
func (l *Listing) open(ctx context.Context, exchange string) error {
	venue, err := l.catalogue.Venue(ctx, exchange)
	if err != nil && !errors.Is(err, domain.ErrNotFound) {
		return err
	}
	if err == nil && venue.Status != domain.VenueMaintenance {
		return nil
	}
	venue.Name, venue.Status, venue.Time = exchange, domain.VenueOpen, time.Now()
	return l.catalogue.SetVenue(ctx, venue)
}
