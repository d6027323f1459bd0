package compose

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/fx"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/binance"
	"github.com/fullon/fullon/internal/execution/bybit"
	"github.com/fullon/fullon/internal/execution/coinbase"
	"github.com/fullon/fullon/internal/execution/kraken"
	"github.com/fullon/fullon/internal/execution/okx"
	"github.com/fullon/fullon/internal/execution/paper"
	"github.com/fullon/fullon/internal/execution/private"
	"github.com/fullon/fullon/internal/pause"
)

// tradingVenue is a real venue that orders can be sent to.
type tradingVenue struct {
	name string
	new  func(private.Config) (*private.Venue, error)
	// hasTest says that it has a test network, where orders go unless real
	// trading is switched on.
	hasTest bool
	// timeout is the least that an order may have to be taken.
	timeout time.Duration
}

var tradingVenues = []tradingVenue{
	{"binance", binance.New, true, 0},
	{"bybit", bybit.New, true, 0},
	{"coinbase", coinbase.New, false, 3 * time.Second}, // a deadline is a token's end, in whole seconds, and 1s ahead at least
	{"kraken", kraken.New, false, 4 * time.Second},     // its deadlines are 2s ahead at least, by a clock that counts seconds
	{"okx", okx.New, true, 0},
}

// tradingVenueNames are what --order-venue takes beside the paper venue.
func tradingVenueNames() []string {
	names := make([]string, len(tradingVenues))
	for i, v := range tradingVenues {
		names[i] = v.name
	}
	return names
}

// Trading says how orders reach each venue.
type Trading struct {
	Binance  Access    `embed:"" prefix:"binance-" envprefix:"BINANCE_"`
	Bybit    Access    `embed:"" prefix:"bybit-" envprefix:"BYBIT_"`
	Coinbase Access    `embed:"" prefix:"coinbase-" envprefix:"COINBASE_"`
	Kraken   Access    `embed:"" prefix:"kraken-" envprefix:"KRAKEN_"`
	OKX      OKXAccess `embed:"" prefix:"okx-" envprefix:"OKX_"`
}

// of returns how a venue is reached; nil for one that has no settings for it.
func (t *Trading) of(name string) *Access {
	return map[string]*Access{"binance": &t.Binance, "bybit": &t.Bybit, "coinbase": &t.Coinbase, "kraken": &t.Kraken, "okx": &t.OKX.Access}[name]
}

// Access is an account at a venue: its key, and where orders go.
type Access struct {
	Real       bool      `name:"real" env:"REAL" help:"Trade with real money: without it orders go to the venue's test network, if it has one."`
	Key        string    `name:"key" env:"API_KEY" placeholder:"KEY" help:"API key of the account. Other users of the machine see flags, so use the variable or the file."`
	KeyFile    string    `name:"key-file" env:"API_KEY_FILE" placeholder:"FILE" help:"File with the key."`
	Secret     string    `name:"secret" env:"API_SECRET" placeholder:"SECRET" help:"Its secret; as for the key."`
	SecretFile string    `name:"secret-file" env:"API_SECRET_FILE" placeholder:"FILE" help:"File with the secret."`
	APIURL     RESTURL   `name:"api-url" env:"API_URL" placeholder:"URL" help:"In place of the REST host of the network."`
	StreamURL  StreamURL `name:"stream-url" env:"STREAM_URL" placeholder:"URL" help:"In place of the network's WebSocket for accounts, with its path."`
}

// OKXAccess is an account at OKX.
type OKXAccess struct {
	Access
	Passphrase     string    `name:"passphrase" env:"API_PASSPHRASE" placeholder:"TEXT" help:"Passphrase of the key; as for the key."`
	PassphraseFile string    `name:"passphrase-file" env:"API_PASSPHRASE_FILE" placeholder:"FILE" help:"File with the passphrase."`
	Margin         OKXMargin `name:"margin" env:"MARGIN" default:"cross" help:"Margin that swaps are held in: cross or isolated."`
}

// OKXMargin is how swaps are held at OKX.
type OKXMargin string

// UnmarshalText reads the mode of margin.
func (m *OKXMargin) UnmarshalText(text []byte) error { return oneOf(m, text, okx.Cross, okx.Isolated) }

// StreamURL is the address of a venue's WebSocket for accounts.
type StreamURL string

// UnmarshalText reads the address, which may have a path.
func (u *StreamURL) UnmarshalText(text []byte) error {
	if checkURL(string(text), "ws", "wss") != nil {
		return notAllowed(redactValue(string(text)), "an address like wss://ws-api.testnet.binance.vision/ws-api/v3")
	}
	*u = StreamURL(text)
	return nil
}

// fromFile is a value, or what a file has in its place.
func fromFile(variable, value, file string) (string, error) {
	if value != "" {
		return value, nil
	}
	if file == "" {
		return "", domain.Invalid(variable, "", "the key of the account, or "+variable+"_FILE, a file that has it")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return "", domain.Invalid(variable+"_FILE", file, "a file that can be read: "+err.Error())
	}
	return strings.TrimSpace(string(text)), nil
}

// check tells what is wrong with the settings before anything is started.
func (c Execution) check() error {
	switch {
	case c.Exchange == "":
		return domain.Invalid("FULLON_ORDER_EXCHANGE (--order-exchange)", "", "the exchange whose queue is served, like binance")
	case len(c.Accounts) == 0:
		return domain.Invalid("FULLON_ORDER_ACCOUNTS (--order-accounts)", "", "the accounts that orders are sent for, like 1001")
	case c.Venue == paperVenue:
		return nil
	case len(c.Accounts) != 1:
		return domain.Invalid("FULLON_ORDER_ACCOUNTS (--order-accounts)", strings.Join(c.Accounts, ","), "one account: a key is for one")
	}
	v, access := c.tradingVenue()
	if !v.hasTest && !access.Real && (access.APIURL == "" || access.StreamURL == "") {
		name := strings.ToUpper(v.name) + "_REAL (--" + v.name + "-real)"
		return domain.Invalid(name, "false", "true to trade with real money: "+v.name+" has no test network")
	}
	if time.Duration(c.Timeout) < v.timeout {
		return domain.Invalid("FULLON_ORDER_TIMEOUT (--order-timeout)", time.Duration(c.Timeout).String(), v.timeout.String()+" or more for "+v.name)
	}
	_, err := c.account(v.name)
	return err
}

// tradingVenue is the real venue that orders go to, and how.
func (c Execution) tradingVenue() (tradingVenue, *Access) {
	i := slices.IndexFunc(tradingVenues, func(v tradingVenue) bool { return v.name == string(c.Venue) })
	return tradingVenues[i], c.of(string(c.Venue)) // UnmarshalText takes no other
}

// account is how the account at a venue is reached.
func (t *Trading) account(venue string) (cfg private.Config, err error) {
	a, variable := t.of(venue), strings.ToUpper(venue)+"_API_"
	cfg.Real, cfg.RESTURL, cfg.StreamURL = a.Real, string(a.APIURL), string(a.StreamURL)
	if cfg.Key, err = fromFile(variable+"KEY", a.Key, a.KeyFile); err != nil {
		return cfg, err
	}
	if cfg.Secret, err = fromFile(variable+"SECRET", a.Secret, a.SecretFile); err != nil {
		return cfg, err
	}
	if a == &t.OKX.Access {
		cfg.Margin = string(t.OKX.Margin)
		cfg.Passphrase, err = fromFile(variable+"PASSPHRASE", t.OKX.Passphrase, t.OKX.PassphraseFile)
	}
	return cfg, err
}

// venueModule is how the accounts of a worker reach their venue.
func venueModule(cfg Execution) fx.Option {
	if cfg.Venue == paperVenue {
		return fx.Supply(venueOf(func(account string, log *slog.Logger) (execution.Venue, error) {
			return paper.NewClient(paper.ClientConfig{
				URL: string(cfg.PaperURL), Exchange: string(cfg.Exchange), Account: account, Connections: int(cfg.Concurrency), Logger: log,
			})
		}))
	}
	return fx.Provide(func(s supervisor, b *bus.Bus, store *cachestore.Store) venueOf {
		handle := client.New(b, store)
		s.onStop(func() error { handle.Close(); return nil })
		known := &tradedSymbols{client: handle, exchange: string(cfg.Exchange)}
		s.run("symbols for orders", known.run)
		return func(account string, log *slog.Logger) (execution.Venue, error) {
			v, _ := cfg.tradingVenue()
			reached, err := cfg.account(v.name)
			if err != nil {
				return nil, err
			}
			reached.Exchange, reached.Account, reached.Symbols = string(cfg.Exchange), account, known.all
			reached.Timeout, reached.Logger = time.Duration(cfg.Timeout), log
			return v.new(reached)
		}
	})
}

// tradedSymbols is the catalogue of an exchange, read again now and then.
type tradedSymbols struct {
	client   *client.Client
	exchange string
	symbols  atomic.Pointer[map[string]domain.Symbol]
}

func (t *tradedSymbols) all() map[string]domain.Symbol {
	if known := t.symbols.Load(); known != nil {
		return *known
	}
	return nil
}

// run follows the catalogue until ctx ends.
func (t *tradedSymbols) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if list, err := t.client.Symbols.List(ctx, t.exchange); err == nil {
			known := make(map[string]domain.Symbol, len(list))
			for _, s := range list {
				known[s.Name] = s
			}
			t.symbols.Store(&known)
		}
		wait := symbolTTL
		if len(t.all()) == 0 {
			wait = time.Second
		}
		pause.For(ctx, wait)
	}
	return nil
}
