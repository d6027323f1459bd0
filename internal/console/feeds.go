package console

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/table"
)

type feedView struct {
	Exchange string         `json:"exchange"`
	Active   *holderView    `json:"active"` // null: nobody follows it
	Standby  []followerView `json:"standby"`
	Symbols  []string       `json:"symbols"`
}

type holderView struct {
	followerView
	Since     *time.Time `json:"since"`
	SilentFor float64    `json:"silent_seconds"`
}

type followerView struct {
	ID   string `json:"id"`
	Host string `json:"host"`
	PID  int    `json:"pid"`
}

func viewFeed(f client.VenueFeed) feedView {
	v := feedView{Exchange: f.Exchange, Standby: []followerView{}, Symbols: f.Symbols}
	if h := f.Active; f.Alive() {
		v.Active = &holderView{followerView{h.ID, h.Host, h.PID}, moment(h.Since), max(0, h.Age.Seconds())}
	}
	for _, p := range f.Standby {
		v.Standby = append(v.Standby, followerView{p.ID, p.Host, p.PID})
	}
	if v.Symbols == nil {
		v.Symbols = []string{}
	}
	return v
}

var feedColumns = []table.Column{{Title: "EXCHANGE"}, {Title: "ACTIVE"}, {Title: "STANDS BY"}, {Title: "SYMBOLS"}}

func feedRow(f client.VenueFeed) []string {
	active, standby := "nobody", standbys(f)
	if f.Alive() {
		active = f.Active.Name()
	}
	if standby == "" {
		standby = "-"
	}
	return []string{f.Exchange, active, standby, strings.Join(f.Symbols, ",")}
}

func standbys(f client.VenueFeed) string {
	var names []string
	for _, p := range f.Standby {
		names = append(names, domain.Holder{Host: p.Host, PID: p.PID}.Name())
	}
	return strings.Join(names, ",")
}

// feeds are those of the exchanges of which something is known.
func (c Console) feeds(ctx context.Context, exchanges []string) ([]client.VenueFeed, error) {
	var out []client.VenueFeed
	for _, exchange := range exchanges {
		f, err := c.Client.Feed(ctx, exchange)
		if err == nil {
			out = append(out, f)
		} else if !errors.Is(err, domain.ErrNotFound) {
			return nil, err
		}
	}
	return out, nil
}

// Feeds prints what is followed of venues, and by whom.
func (c Console) Feeds(ctx context.Context, exchanges []string) error {
	feeds, err := c.feeds(ctx, exchanges)
	if err != nil {
		return err
	}
	return list(c.Printer, feeds, func(f client.VenueFeed) any { return viewFeed(f) }, feedColumns, feedRow)
}

// Subscribe has symbols followed, and prints what is followed then.
func (c Console) Subscribe(ctx context.Context, exchange string, symbols []string) error {
	if _, err := c.Client.Subscribe(ctx, exchange, symbols...); err != nil {
		return err
	}
	return c.Feeds(ctx, []string{exchange})
}

// Unsubscribe has symbols followed no longer, and prints what is followed then.
func (c Console) Unsubscribe(ctx context.Context, exchange string, symbols []string) error {
	if _, err := c.Client.Unsubscribe(ctx, exchange, symbols...); err != nil {
		return err
	}
	return c.Feeds(ctx, []string{exchange})
}

// remarkFeeds tells who follows which venue.
func (c Console) remarkFeeds(ctx context.Context, exchanges []string) {
	feeds, err := c.feeds(ctx, exchanges)
	if err != nil {
		c.Printer.remark("who follows the venues is not known: " + err.Error())
		return
	}
	for _, f := range feeds {
		text := f.Exchange + ": nobody follows it"
		if f.Alive() {
			text = f.Exchange + ": " + f.Active.Name() + " follows it"
		}
		if names := standbys(f); names != "" {
			text += ", " + names + " stands by"
		}
		c.Printer.remark(text)
	}
}
