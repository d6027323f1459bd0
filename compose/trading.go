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
	// futures makes an account for futures, where that is another than one for
	// spot; nil: new makes what has both.
	futures func(private.Config) (*private.Venue, error)
}

var tradingVenues = []tradingVenue{
	{name: "binance", new: binance.New, hasTest: true, futures: binance.NewPerpetuals},
	{name: "bybit", new: bybit.New, hasTest: true},
	{name: "coinbase", new: coinbase.New, timeout: 3 * time.Second}, // a deadline is a token's end, in whole seconds, and 1s ahead at least
	{name: "kraken", new: kraken.New, timeout: 4 * time.Second},     // its deadlines are 2s ahead at least, by a clock that counts seconds
	{name: "okx", new: okx.New, hasTest: true},
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
	Binance  BinanceAccess `embed:"" prefix:"binance-" envprefix:"BINANCE_"`
	Bybit    Access        `embed:"" prefix:"bybit-" envprefix:"BYBIT_"`
	Coinbase Access        `embed:"" prefix:"coinbase-" envprefix:"COINBASE_"`
	Kraken   Access        `embed:"" prefix:"kraken-" envprefix:"KRAKEN_"`
	OKX      OKXAccess     `embed:"" prefix:"okx-" envprefix:"OKX_"`
}

// of returns how a venue is reached; nil for one that has no settings for it.
func (t *Trading) of(name string) *Access {
	return map[string]*Access{
		"binance": &t.Binance.Access, "bybit": &t.Bybit, "coinbase": &t.Coinbase, "kraken": &t.Kraken, "okx": &t.OKX.Access,
	}[name]
}

// futures returns how a venue's accounts for futures are reached, and which one is
// such; nil for a venue that has none apart.
func (t *Trading) futures(name string) (access *Access, account string) {
	if name == "binance" {
		return &t.Binance.Futures, t.Binance.FuturesAccount
	}
	return nil, ""
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

// BinanceAccess is an account at Binance, one for spot, and one for USD-M futures.
type BinanceAccess struct {
	Access
	Futures        Access `embed:"" prefix:"futures-" envprefix:"FUTURES_"`
	FuturesAccount string `name:"futures-account" env:"FUTURES_ACCOUNT" placeholder:"ACCOUNT" help:"Which of the accounts is the one for USD-M futures, with a key and addresses of its own; none: orders go to spot."`
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
func (c *Execution) check() error {
	switch {
	case c.Exchange == "":
		return domain.Invalid("FULLON_ORDER_EXCHANGE (--order-exchange)", "", "the exchange whose queue is served, like binance")
	case len(c.Accounts) == 0:
		return domain.Invalid("FULLON_ORDER_ACCOUNTS (--order-accounts)", "", "the accounts that orders are sent for, like 1001")
	case c.Venue == paperVenue:
		return nil
	}
	if err := c.checkAccounts(); err != nil {
		return err
	}
	for _, account := range c.Accounts {
		if err := c.checkRoute(c.route(account)); err != nil {
			return err
		}
	}
	return nil
}

// checkAccounts looks whether each account has a key of its own.
func (c *Execution) checkAccounts() error {
	v := c.tradingVenue()
	_, futures := c.futures(v.name)
	if futures != "" && !slices.Contains(c.Accounts, futures) {
		return domain.Invalid(strings.ToUpper(v.name)+"_FUTURES_ACCOUNT (--"+v.name+"-futures-account)", futures, "one of FULLON_ORDER_ACCOUNTS")
	}
	others := slices.DeleteFunc(slices.Clone(c.Accounts), func(account string) bool { return account == futures })
	if len(others) <= 1 && len(c.Accounts)-len(others) <= 1 {
		return nil
	}
	want := "one account: a key is for one"
	if v.futures != nil {
		want = "one account, and one for futures: a key is for one"
	}
	return domain.Invalid("FULLON_ORDER_ACCOUNTS (--order-accounts)", strings.Join(c.Accounts, ","), want)
}

func (c *Execution) checkRoute(r route) error {
	v := c.tradingVenue()
	if !v.hasTest && !r.access.Real && (r.access.APIURL == "" || r.access.StreamURL == "") {
		name := r.prefix + "REAL (--" + strings.ToLower(strings.ReplaceAll(r.prefix, "_", "-")) + "real)"
		return domain.Invalid(name, "false", "true to trade with real money: "+v.name+" has no test network")
	}
	if time.Duration(c.Timeout) < v.timeout {
		return domain.Invalid("FULLON_ORDER_TIMEOUT (--order-timeout)", time.Duration(c.Timeout).String(), v.timeout.String()+" or more for "+v.name)
	}
	_, err := c.account(r)
	return err
}

// tradingVenue is the real venue that orders go to.
func (c *Execution) tradingVenue() tradingVenue {
	i := slices.IndexFunc(tradingVenues, func(v tradingVenue) bool { return v.name == string(c.Venue) })
	return tradingVenues[i] // UnmarshalText takes no other
}

// route is how the orders of an account reach the venue.
type route struct {
	new    func(private.Config) (*private.Venue, error)
	access *Access
	prefix string // of its variables, like BINANCE_
}

func (c *Execution) route(account string) route {
	v := c.tradingVenue()
	r := route{v.new, c.of(v.name), strings.ToUpper(v.name) + "_"}
	if access, futures := c.futures(v.name); access != nil && futures == account {
		r = route{v.futures, access, r.prefix + "FUTURES_"}
	}
	return r
}

// account is how the account at a venue is reached.
func (t *Trading) account(r route) (cfg private.Config, err error) {
	a, variable := r.access, r.prefix+"API_"
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
			r := cfg.route(account)
			reached, err := cfg.account(r)
			if err != nil {
				return nil, err
			}
			reached.Exchange, reached.Account, reached.Symbols = string(cfg.Exchange), account, known.all
			reached.Timeout, reached.Logger = time.Duration(cfg.Timeout), log
			return r.new(reached)
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
