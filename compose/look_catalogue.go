package compose

import (
	"context"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/console"
)

// VenueStatus is what a venue lets its customers do.
type VenueStatus string

// UnmarshalText reads the name of a status.
func (s *VenueStatus) UnmarshalText(text []byte) error {
	*s = VenueStatus(text)
	_, err := domain.ParseVenueStatus(string(text))
	return err
}

// VenueSymbol is a venue's own spelling of a symbol.
type VenueSymbol string

// UnmarshalText reads a venue's spelling.
func (s *VenueSymbol) UnmarshalText(text []byte) error {
	*s = VenueSymbol(text)
	return domain.CheckVenueSymbol(string(text))
}

// BotFeed is what a bot calls one of the things that it follows.
type BotFeed string

// UnmarshalText reads the name of a feed.
func (f *BotFeed) UnmarshalText(text []byte) error {
	*f = BotFeed(text)
	if err := domain.CheckBot(string(text)); err != nil {
		return notAllowed(string(text), "1 to 64 letters, digits, - and _")
	}
	return nil
}

// NamedValue is a value with a name.
type NamedValue struct{ name, value string }

// UnmarshalText reads NAME=VALUE. What is behind the first = may be secret, so an
// error shows only the name.
func (v *NamedValue) UnmarshalText(text []byte) error {
	name, value, ok := strings.Cut(string(text), "=")
	switch {
	case !ok || name == "":
		return notAllowed(domain.Redact(string(text)), "NAME=VALUE")
	case domain.IsSecretName(name):
		return notAllowed(name, "no names of passwords, keys and secrets: what is stored here can be read by all")
	}
	v.name, v.value = name, value
	return nil
}

func valuesOf(given []NamedValue) map[string]string {
	values := make(map[string]string, len(given))
	for _, v := range given {
		values[v.name] = v.value
	}
	return values
}

// VenuesCommand is 'fullon get venues'.
type VenuesCommand struct{ Look }

// Run prints the venues.
func (c *VenuesCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.Venues(ctx) })
}

// SymbolsCommand is 'fullon get symbols'.
type SymbolsCommand struct {
	Exchange    Exchange    `arg:"" help:"Exchange, like binance; of 'fullon up': sim."`
	VenueSymbol VenueSymbol `placeholder:"NAME" help:"Only the one that the venue calls so, like BTCUSDT."`
	Look
}

// Run prints the symbols.
func (c *SymbolsCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.Symbols(ctx, string(c.Exchange), string(c.VenueSymbol))
	})
}

// SymbolCommand is 'fullon get symbol'.
type SymbolCommand struct {
	market
	Look
}

// Run prints the symbol.
func (c *SymbolCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.Symbol(ctx, string(c.Exchange), string(c.Symbol))
	})
}

// SetVenueCommand is 'fullon set venue'.
type SetVenueCommand struct {
	Exchange Exchange     `arg:"" help:"Exchange, like binance."`
	Status   VenueStatus  `default:"open" help:"open, maintenance or closed."`
	Title    string       `placeholder:"TEXT" help:"For people."`
	Params   []NamedValue `arg:"" optional:"" sep:"none" name:"name=value" help:"What else is to be known of it; nothing secret."`
	Look
}

// Run stores the venue and prints it as readers see it.
func (c *SetVenueCommand) Run() error {
	status, err := domain.ParseVenueStatus(string(c.Status))
	if err != nil {
		return err
	}
	v := domain.Venue{Name: string(c.Exchange), Title: c.Title, Status: status, Params: valuesOf(c.Params), Time: time.Now()}
	if err := v.Validate(); err != nil {
		return err
	}
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.SetVenue(ctx, v) })
}

// SetSymbolCommand is 'fullon set symbol'.
type SetSymbolCommand struct {
	market
	VenueSymbol VenueSymbol `placeholder:"NAME" help:"As the venue spells it (default: the symbol without / and :)."`
	TickSize    Amount      `placeholder:"STEP" help:"Step of prices."`
	LotSize     Amount      `placeholder:"STEP" help:"Step of volumes."`
	MinVolume   Amount      `placeholder:"SIZE" help:"Smallest volume of an order."`
	MinNotional Amount      `placeholder:"AMOUNT" help:"Smallest price times volume of an order."`
	Halted      bool        `help:"It is not traded now."`
	Look
}

// Run stores the symbol and prints it as readers see it.
func (c *SetSymbolCommand) Run() error {
	base, quote, settle, err := domain.SplitSymbol(string(c.Symbol))
	if err != nil {
		return err
	}
	s := domain.Symbol{
		Exchange: string(c.Exchange), Name: string(c.Symbol), VenueSymbol: string(c.VenueSymbol), Base: base, Quote: quote, Settle: settle,
		TickSize: c.TickSize.Decimal, LotSize: c.LotSize.Decimal, MinVolume: c.MinVolume.Decimal, MinNotional: c.MinNotional.Decimal,
		Trading: !c.Halted,
	}
	if s.VenueSymbol == "" {
		s.VenueSymbol = strings.NewReplacer("/", "", ":", "").Replace(s.Name)
	}
	if err := s.Validate(); err != nil {
		return err
	}
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.SetSymbol(ctx, s) })
}

// DeleteVenueCommand is 'fullon delete venue'.
type DeleteVenueCommand struct {
	Exchange Exchange `arg:"" help:"Exchange, like binance; of 'fullon up': sim."`
	Look
}

// Run removes the venue with all its symbols.
func (c *DeleteVenueCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.DeleteVenue(ctx, string(c.Exchange)) })
}

// DeleteSymbolCommand is 'fullon delete symbol'.
type DeleteSymbolCommand struct {
	market
	Look
}

// Run removes the symbol.
func (c *DeleteSymbolCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.DeleteSymbol(ctx, string(c.Exchange), string(c.Symbol))
	})
}

// BotsCommand is 'fullon get bots'.
type BotsCommand struct {
	Bot Bot `arg:"" optional:"" help:"Id of the bot; none: all."`
	Look
}

// Run prints what bots say.
func (c *BotsCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.BotStatuses(ctx, string(c.Bot)) })
}

// SetBotCommand is 'fullon set bot'.
type SetBotCommand struct {
	Bot    Bot          `arg:"" help:"Id of the bot."`
	Feed   BotFeed      `arg:"" help:"One of its feeds; the others stay as they are."`
	Fields []NamedValue `arg:"" sep:"none" name:"name=value" help:"What it says; nothing secret."`
	Look
}

// Run stores the status and prints it as readers see it.
func (c *SetBotCommand) Run() error {
	s := domain.BotStatus{Bot: string(c.Bot), Feed: string(c.Feed), Fields: valuesOf(c.Fields), Time: time.Now()}
	if err := s.Validate(); err != nil {
		return err
	}
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.SetBotStatus(ctx, s) })
}

// DeleteBotCommand is 'fullon delete bot'.
type DeleteBotCommand struct {
	Bot  Bot     `arg:"" help:"Id of the bot."`
	Feed BotFeed `arg:"" optional:"" help:"Only what it says of one feed."`
	Look
}

// Run forgets what the bot said.
func (c *DeleteBotCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.DeleteBotStatus(ctx, string(c.Bot), string(c.Feed))
	})
}
