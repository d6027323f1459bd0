package compose

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/fx"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/paper"
)

// Paper says how the paper venue is.
type Paper struct {
	Exchange Exchange    `name:"order-exchange" env:"FULLON_ORDER_EXCHANGE" placeholder:"NAME" help:"Exchange whose ticks the orders meet."`
	Balances Balances    `name:"paper-balances" env:"FULLON_PAPER_BALANCES" default:"USDT=100000" help:"What each account begins with."`
	TakerBPS Amount      `name:"paper-taker-bps" env:"FULLON_PAPER_TAKER_BPS" default:"10" help:"Fee of orders that take, in 1/10000 of what they are worth."`
	MakerBPS Amount      `name:"paper-maker-bps" env:"FULLON_PAPER_MAKER_BPS" default:"10" help:"Fee of orders that rest."`
	Latency  Period      `name:"paper-latency" env:"FULLON_PAPER_LATENCY" default:"1ms" help:"How long each answer takes."`
	Sync     PaperSync   `name:"paper-sync" env:"FULLON_PAPER_SYNC" default:"always" help:"What an answer survives: always (a loss of power) or never (the end of the process)."`
	Faults   PaperFaults `name:"paper-faults" env:"FULLON_PAPER_FAULTS" placeholder:"NAME=N,…" help:"Of 1000 calls, how many go wrong on purpose: lost-requests, lost-answers, rejects, limits."`
}

// PaperSync is what an answer of the paper venue survives.
type PaperSync string

// UnmarshalText reads the name of a policy.
func (s *PaperSync) UnmarshalText(text []byte) error { return oneOf(s, text, "always", "never") }

func (s PaperSync) policy() paper.Sync {
	if s == "never" {
		return paper.SyncNever
	}
	return paper.SyncAlways
}

// Balances are amounts by currency.
type Balances map[string]domain.Decimal

// UnmarshalText reads amounts like USDT=100000,BTC=2.
func (b *Balances) UnmarshalText(text []byte) error {
	*b = make(Balances)
	for pair := range strings.SplitSeq(string(text), ",") {
		currency, amount, ok := strings.Cut(strings.TrimSpace(pair), "=")
		value, err := domain.ParseUnsigned("amount", amount)
		if !ok || err != nil || domain.CheckCurrency(currency) != nil {
			return notAllowed(string(text), "amounts by currency, like USDT=100000,BTC=2")
		}
		(*b)[currency] = value
	}
	return nil
}

// PaperFaults is what goes wrong on purpose.
type PaperFaults paper.Faults

// UnmarshalText reads numbers like lost-answers=20,rejects=5.
func (f *PaperFaults) UnmarshalText(text []byte) error {
	*f = PaperFaults{}
	fields := map[string]*int{"lost-requests": &f.LostRequests, "lost-answers": &f.LostAnswers, "rejects": &f.Rejects, "limits": &f.Limits}
	for pair := range strings.SplitSeq(string(text), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		field := fields[name]
		if field == nil || number(field, []byte(value), 0, 1000, "") != nil {
			return notAllowed(string(text), "lost-requests, lost-answers, rejects and limits with a number from 0 to 1000, like lost-answers=20,rejects=5")
		}
	}
	return nil
}

// config of a paper venue that keeps its books in dir.
func (p Paper) config(dir string, ticks paper.Ticks, log *slog.Logger) paper.Config {
	return paper.Config{
		Exchange: string(p.Exchange), Dir: dir, Ticks: ticks, Balances: p.Balances, TakerBPS: p.TakerBPS.Decimal, MakerBPS: p.MakerBPS.Decimal,
		Latency: time.Duration(p.Latency), Sync: p.Sync.policy(), Faults: paper.Faults(p.Faults), Logger: log,
	}
}

// PaperCommand is 'fullon paper'.
type PaperCommand struct {
	Paper   `group:"Paper venue:"`
	Listen  ListenAddr `name:"paper-listen" env:"FULLON_PAPER_LISTEN" default:"127.0.0.1:8790" group:"Paper venue:" help:"Where workers reach it. Whoever reaches it may trade: keep it on this machine."`
	Books   string     `name:"paper-data" env:"FULLON_PAPER_DATA" placeholder:"DIR" group:"Paper venue:" help:"Directory of its books (default: paper in the data directory of 'fullon up')."`
	Logging `group:"Looking in:"`
}

// Run is a venue that fills orders at the cache's prices, until a signal ends it.
func (c *PaperCommand) Run(servers Servers) error {
	if c.Exchange == "" {
		return domain.Invalid("FULLON_ORDER_EXCHANGE (--order-exchange)", "", "the exchange whose ticks the orders meet, like binance")
	}
	if c.Listen == "off" {
		return domain.Invalid("FULLON_PAPER_LISTEN (--paper-listen)", "off", "HOST:PORT, like 127.0.0.1:8790")
	}
	dir := c.Books
	if dir == "" {
		data, err := defaultData()
		if err != nil {
			return err
		}
		dir = filepath.Join(data, "paper")
	}
	listener, err := net.Listen("tcp", string(c.Listen))
	if err != nil {
		return domain.Invalid("FULLON_PAPER_LISTEN (--paper-listen)", string(c.Listen), "an address that is free: "+err.Error())
	}
	servers, _ = servers.Located("")
	ctx, stop := untilSignal(context.Background())
	defer stop()
	log := c.Logger(os.Stderr)
	return RunApp(ctx, log, logModule("fullon-paper", servers.Log()), redisModule(servers.Redis()), paperModule(c.Paper, dir),
		fx.Invoke(func(s supervisor, x *paper.Exchange) {
			s.run("paper server", func(ctx context.Context) error {
				log.Info("paper venue", "exchange", x.Name(), "url", "http://"+listener.Addr().String())
				return paper.NewServer(paper.ServerConfig{Exchanges: []*paper.Exchange{x}}).Run(ctx, listener)
			})
		}))
}

// paperModule runs a paper venue.
func paperModule(cfg Paper, dir string) fx.Option {
	return fx.Provide(func(s supervisor, b *bus.Bus, store *cachestore.Store, log *slog.Logger) (*paper.Exchange, error) {
		handle := client.New(b, store)
		s.onStop(func() error { handle.Close(); return nil })
		x, err := paper.Open(cfg.config(dir, handle.Ticks, log))
		if err != nil {
			return nil, err
		}
		s.onStop(x.Close)
		s.run("paper venue", x.Run)
		return x, nil
	})
}
