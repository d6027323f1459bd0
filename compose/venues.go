package compose

import (
	"context"
	"log/slog"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/replay"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/venues"
)

const (
	simVenue     = "sim"
	binanceVenue = "binance" // also what the simulated venue speaks
)

// UnmarshalText reads the name of a venue.
func (v *Venue) UnmarshalText(text []byte) error {
	return oneOf(v, text, append([]string{simVenue}, venues.Names()...)...)
}

// venueNames lets help texts name the venues, those that orders go to, and those
// whose recordings can be played.
func venueNames() kong.Option {
	return kong.Vars{
		"venues": strings.Join(venues.Names(), ", "), "trading": strings.Join(tradingVenueNames(), ", "),
		"replayed": strings.Join(replay.Venues(), ", "),
	}
}

// Hosts are used in place of a venue's own.
type Hosts struct {
	WS   WebSocketURL `name:"ws-url" env:"WS_URL" placeholder:"URL" help:"In place of the venue's WebSocket host."`
	REST RESTURL      `name:"rest-url" env:"REST_URL" placeholder:"URL" help:"In place of the venue's REST host."`
}

// VenueHosts are the hosts of each venue that can be followed.
type VenueHosts struct {
	Binance Hosts `embed:"" prefix:"binance-" envprefix:"BINANCE_"`
	// BinanceFutures are hosts apart. Where those of spot are replaced and these are
	// not, there are no futures.
	BinanceFutures Hosts `embed:"" prefix:"binance-futures-" envprefix:"BINANCE_FUTURES_"`
	Bybit          Hosts `embed:"" prefix:"bybit-" envprefix:"BYBIT_"`
	Coinbase       Hosts `embed:"" prefix:"coinbase-" envprefix:"COINBASE_"`
	Kraken         Hosts `embed:"" prefix:"kraken-" envprefix:"KRAKEN_"`
	OKX            Hosts `embed:"" prefix:"okx-" envprefix:"OKX_"`
}

// of returns a venue's hosts; nil for one that has no settings for them.
func (h *VenueHosts) of(name string) *Hosts {
	return map[string]*Hosts{
		"binance":  &h.Binance,
		"bybit":    &h.Bybit,
		"coinbase": &h.Coinbase,
		"kraken":   &h.Kraken,
		"okx":      &h.OKX,
	}[name]
}

// venue is the one that is followed, by its protocol.
func (f *Feeds) venue() venues.Venue {
	name := string(f.Venue)
	if name == simVenue {
		name = binanceVenue
	}
	v, _ := venues.Find(name) // UnmarshalText takes no other
	return v
}

// adapter makes the adapter of the venue. Its events carry the setting's name,
// so those of the simulated venue are never taken for a real market's.
func (f *Feeds) adapter(log *slog.Logger) (venue.Adapter, error) {
	v := f.venue()
	hosts := f.Hosts.of(v.Name)
	futures := f.Hosts.BinanceFutures // no other venue has them apart
	return v.New(venue.Config{
		Exchange: string(f.Venue), WSURL: string(hosts.WS), RESTURL: string(hosts.REST),
		FuturesWSURL: string(futures.WS), FuturesRESTURL: string(futures.REST), Logger: log,
	})
}

// settle is which symbols are followed: those that the deployment keeps, changed
// by what the setting says if that is news.
func (f *Feeds) settle(ctx context.Context, feeds *bus.Feeds) ([]string, error) {
	var explicit []string
	if !f.usual {
		explicit = f.Symbols
	}
	symbols, err := feeds.SettleWanted(ctx, string(f.Venue), explicit, f.Symbols)
	return f.spelled(symbols), err
}

// spelled leaves out what the venue cannot have; somebody else than 'fullon venue'
// has put it there.
func (f *Feeds) spelled(symbols []string) []string {
	v := f.venue()
	return slices.DeleteFunc(symbols, func(symbol string) bool {
		_, err := v.Spell(symbol)
		return err != nil
	})
}

// fill sets the symbols if there are none, and checks them. It is run where the
// venue is known for certain. The error is a *domain.FieldError.
func (f *Feeds) fill() error {
	v := f.venue()
	if len(f.Symbols) == 0 {
		f.Symbols, f.usual = v.Usual, true
	}
	for _, symbol := range f.Symbols {
		if _, err := v.Spell(symbol); err != nil {
			return domain.Invalid("FULLON_SYMBOLS (--symbols)", symbol, v.Symbols)
		}
	}
	return nil
}
