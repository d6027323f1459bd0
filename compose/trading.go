package compose

import (
	"context"
	"errors"
	"log/slog"
	"os"
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
	"github.com/fullon/fullon/internal/execution/paper"
	"github.com/fullon/fullon/internal/pause"
)

// BinanceTrading says how orders reach Binance.
type BinanceTrading struct {
	Real       bool         `name:"real" env:"BINANCE_REAL" help:"Trade with real money: without it orders go to Binance's test network."`
	Key        string       `name:"binance-key" env:"BINANCE_API_KEY" placeholder:"KEY" help:"API key of the account. Other users of the machine see flags, so use the variable or the file."`
	KeyFile    string       `name:"binance-key-file" env:"BINANCE_API_KEY_FILE" placeholder:"FILE" help:"File with the key."`
	Secret     string       `name:"binance-secret" env:"BINANCE_API_SECRET" placeholder:"SECRET" help:"Its secret; as for the key."`
	SecretFile string       `name:"binance-secret-file" env:"BINANCE_API_SECRET_FILE" placeholder:"FILE" help:"File with the secret."`
	APIURL     RESTURL      `name:"binance-api-url" env:"BINANCE_API_URL" placeholder:"URL" help:"In place of the REST host of the network."`
	StreamURL  BinanceWSAPI `name:"binance-stream-url" env:"BINANCE_STREAM_URL" placeholder:"URL" help:"In place of the network's WebSocket API, with its path."`
}

// BinanceWSAPI is the address of Binance's WebSocket API.
type BinanceWSAPI string

// UnmarshalText reads the address, which has a path.
func (u *BinanceWSAPI) UnmarshalText(text []byte) error {
	if checkURL(string(text), "ws", "wss") != nil {
		return notAllowed(redactValue(string(text)), "an address like wss://ws-api.testnet.binance.vision/ws-api/v3")
	}
	*u = BinanceWSAPI(text)
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
	case c.Venue != binanceVenue:
		return nil
	case len(c.Accounts) != 1:
		return domain.Invalid("FULLON_ORDER_ACCOUNTS (--order-accounts)", strings.Join(c.Accounts, ","), "one account: a key of Binance is for one")
	}
	_, _, err := c.keys()
	return err
}

func (c BinanceTrading) keys() (key, private string, err error) {
	if key, err = fromFile("BINANCE_API_KEY", c.Key, c.KeyFile); err != nil {
		return "", "", err
	}
	private, err = fromFile("BINANCE_API_SECRET", c.Secret, c.SecretFile)
	return key, private, err
}

// venueModule is how the accounts of a worker reach their venue.
func venueModule(cfg Execution) fx.Option {
	if cfg.Venue != binanceVenue {
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
			key, private, err := cfg.keys()
			if err != nil {
				return nil, err
			}
			return binance.New(binance.Config{
				Exchange: string(cfg.Exchange), Account: account, Key: key, Secret: private, Real: cfg.Real,
				RESTURL: string(cfg.APIURL), StreamURL: string(cfg.StreamURL), Symbols: known.all, Timeout: time.Duration(cfg.Timeout), Logger: log,
			})
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
