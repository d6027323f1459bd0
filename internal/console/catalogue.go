package console

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/table"
)

type venueView struct {
	Exchange string            `json:"exchange"`
	Title    string            `json:"title"`
	Status   string            `json:"status"`
	Params   map[string]string `json:"params"`
	Time     *time.Time        `json:"time"`
	Sequence uint64            `json:"sequence"`
}

func viewVenue(v domain.Venue) venueView {
	return venueView{v.Name, v.Title, v.Status.String(), orEmpty(v.Params), moment(v.Time), v.Sequence}
}

type symbolView struct {
	Exchange    string `json:"exchange"`
	Symbol      string `json:"symbol"`
	VenueSymbol string `json:"venue_symbol"`
	Base        string `json:"base"`
	Quote       string `json:"quote"`
	Settle      string `json:"settle"`
	TickSize    string `json:"tick_size"`
	LotSize     string `json:"lot_size"`
	MinVolume   string `json:"min_volume"`
	MinNotional string `json:"min_notional"`
	Trading     bool   `json:"trading"`
	Sequence    uint64 `json:"sequence"`
}

func viewSymbol(s domain.Symbol) symbolView {
	return symbolView{
		s.Exchange, s.Name, s.VenueSymbol, s.Base, s.Quote, s.Settle, s.TickSize.String(), s.LotSize.String(), s.MinVolume.String(),
		s.MinNotional.String(), s.Trading, s.Sequence,
	}
}

type botStatusView struct {
	Bot      string            `json:"bot"`
	Feed     string            `json:"feed"`
	Fields   map[string]string `json:"fields"`
	Time     *time.Time        `json:"time"`
	Sequence uint64            `json:"sequence"`
}

func viewBotStatus(s domain.BotStatus) botStatusView {
	return botStatusView{s.Bot, s.Feed, orEmpty(s.Fields), moment(s.Time), s.Sequence}
}

// orEmpty makes nothing an empty object, so that who reads it need not ask.
func orEmpty(values map[string]string) map[string]string {
	if values == nil {
		return map[string]string{}
	}
	return values
}

var (
	venueColumns  = []table.Column{{Title: "EXCHANGE"}, {Title: "STATUS"}, {Title: "TIME"}, {Title: "TITLE"}, {}}
	symbolColumns = []table.Column{
		{Title: "SYMBOL"}, {Title: "VENUE'S"}, {Title: "TICK SIZE", Align: table.Point}, {Title: "LOT SIZE", Align: table.Point},
		{Title: "MIN VOLUME", Align: table.Point}, {Title: "MIN NOTIONAL", Align: table.Point}, {},
	}
	botStatusColumns = []table.Column{{Title: "BOT"}, {Title: "FEED"}, {Title: "TIME"}, {}}
)

func venueRow(v domain.Venue) []string {
	return []string{v.Name, v.Status.String(), clock(v.Time), v.Title, namedValues(v.Params)}
}

func symbolRow(s domain.Symbol) []string {
	note := ""
	if !s.Trading {
		note = "HALTED"
	}
	return []string{s.Name, s.VenueSymbol, orDash(s.TickSize), orDash(s.LotSize), orDash(s.MinVolume), orDash(s.MinNotional), note}
}

func botStatusRow(s domain.BotStatus) []string {
	return []string{s.Bot, s.Feed, clock(s.Time), namedValues(s.Fields)}
}

// namedValues shows all values on one line, by name.
func namedValues(values map[string]string) string {
	parts := make([]string, 0, len(values))
	for _, name := range names(values) {
		parts = append(parts, name+"="+oneLine(values[name]))
	}
	return strings.Join(parts, " ")
}

// Venues prints the venues. The error matches domain.ErrNotFound when there is
// none.
func (c Console) Venues(ctx context.Context) error {
	venues, err := c.Client.Venues.List(ctx)
	if err != nil {
		return err
	}
	if len(venues) == 0 {
		return fmt.Errorf("venues: %w", domain.ErrNotFound)
	}
	return c.venues(venues)
}

func (c Console) venues(venues []domain.Venue) error {
	return list(c.Printer, venues, func(v domain.Venue) any { return viewVenue(v) }, venueColumns, venueRow)
}

// SetVenue stores a venue, waits until readers see it and prints it.
func (c Console) SetVenue(ctx context.Context, v domain.Venue) error {
	if err := c.visible(ctx)(c.Client.Venues.Set(ctx, v)); err != nil {
		return err
	}
	v, err := c.Client.Venues.Get(ctx, v.Name)
	if err != nil {
		return err
	}
	return c.venues([]domain.Venue{v})
}

// DeleteVenue removes a venue with its symbols and waits until readers see it.
// The error matches domain.ErrNotFound when the catalogue has neither.
func (c Console) DeleteVenue(ctx context.Context, exchange string) error {
	symbols, err := c.Client.Symbols.List(ctx, exchange)
	if err != nil {
		return err
	}
	count := len(symbols)
	_, err = c.Client.Venues.Get(ctx, exchange)
	switch {
	case err == nil:
		count++
	case count == 0 || !errors.Is(err, domain.ErrNotFound):
		return err
	}
	if err := c.visible(ctx)(c.Client.Venues.Delete(ctx, exchange)); err != nil {
		return err
	}
	return c.deleted(count, "entries of the catalogue")
}

// Symbols prints the symbols of an exchange, or only the one that the venue calls
// so. The error matches domain.ErrNotFound when there is none.
func (c Console) Symbols(ctx context.Context, exchange, venueSymbol string) error {
	if venueSymbol != "" {
		s, err := c.Client.Symbols.ByVenueSymbol(ctx, exchange, venueSymbol)
		if err != nil {
			return err
		}
		return c.symbols([]domain.Symbol{s})
	}
	symbols, err := c.Client.Symbols.List(ctx, exchange)
	if err != nil {
		return err
	}
	if len(symbols) == 0 {
		return fmt.Errorf("symbols of %s: %w", exchange, domain.ErrNotFound)
	}
	return c.symbols(symbols)
}

// Symbol prints a symbol. The error matches domain.ErrNotFound.
func (c Console) Symbol(ctx context.Context, exchange, name string) error {
	s, err := c.Client.Symbols.Get(ctx, exchange, name)
	if err != nil {
		return err
	}
	return c.symbols([]domain.Symbol{s})
}

func (c Console) symbols(symbols []domain.Symbol) error {
	return list(c.Printer, symbols, func(s domain.Symbol) any { return viewSymbol(s) }, symbolColumns, symbolRow)
}

// SetSymbol stores a symbol, waits until readers see it and prints it.
func (c Console) SetSymbol(ctx context.Context, s domain.Symbol) error {
	if err := c.visible(ctx)(c.Client.Symbols.Set(ctx, s)); err != nil {
		return err
	}
	return c.Symbol(ctx, s.Exchange, s.Name)
}

// DeleteSymbol removes a symbol and waits until readers see it. The error
// matches domain.ErrNotFound when there is none.
func (c Console) DeleteSymbol(ctx context.Context, exchange, name string) error {
	if _, err := c.Client.Symbols.Get(ctx, exchange, name); err != nil {
		return err
	}
	if err := c.visible(ctx)(c.Client.Symbols.Delete(ctx, exchange, name)); err != nil {
		return err
	}
	return c.deleted(1, "symbol")
}

// BotStatuses prints what a bot says, or with an empty id what all say. The
// error matches domain.ErrNotFound when that is nothing.
func (c Console) BotStatuses(ctx context.Context, bot string) error {
	var statuses []domain.BotStatus
	var err error
	if bot == "" {
		statuses, err = c.Client.Bots.Statuses(ctx)
	} else {
		statuses, err = c.Client.Bots.Status(ctx, bot)
	}
	if err != nil {
		return err
	}
	if len(statuses) == 0 {
		return fmt.Errorf("bots: %w", domain.ErrNotFound)
	}
	return list(c.Printer, statuses, func(s domain.BotStatus) any { return viewBotStatus(s) }, botStatusColumns, botStatusRow)
}

// SetBotStatus stores what a bot says of a feed, waits until readers see it and
// prints all that the bot says.
func (c Console) SetBotStatus(ctx context.Context, s domain.BotStatus) error {
	if err := c.visible(ctx)(c.Client.Bots.UpdateStatus(ctx, s)); err != nil {
		return err
	}
	return c.BotStatuses(ctx, s.Bot)
}

// DeleteBotStatus forgets what a bot says of a feed, or with an empty feed all,
// and waits until readers see it. The error matches domain.ErrNotFound when that
// is nothing.
func (c Console) DeleteBotStatus(ctx context.Context, bot, feed string) error {
	statuses, err := c.Client.Bots.Status(ctx, bot)
	if err != nil {
		return err
	}
	count := 0
	for _, s := range statuses {
		if feed == "" || s.Feed == feed {
			count++
		}
	}
	if count == 0 {
		return fmt.Errorf("feed %s of bot %s: %w", feed, bot, domain.ErrNotFound)
	}
	if err := c.visible(ctx)(c.Client.Bots.DeleteStatus(ctx, bot, feed)); err != nil {
		return err
	}
	return c.deleted(count, "feeds")
}
