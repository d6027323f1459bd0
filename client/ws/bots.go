package ws

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/fullon/fullon/domain"
)

// Bots is what bots say, and the rights by which they keep out of each other's
// way. Errors are as in package client, but that the words alone tell who has what
// was asked for.
type Bots struct{ client *Client }

// BlockRequest asks for a block or an opening mark.
type BlockRequest struct {
	Exchange string
	Symbol   string
	Bot      string        // who is to have it
	Account  string        // that the bot trades with; needed for Exposed to heed its position
	For      time.Duration // until it expires; zero: 30s
	// Exposed ties it to what the bot has at stake: while the bot has an order in
	// the market that is not final, or Account a position, it does not expire.
	Exposed bool
}

// claimView is a block or an opening mark as the protocol has it.
type claimView struct {
	Kind     string  `json:"kind"`
	Exchange string  `json:"exchange"`
	Symbol   string  `json:"symbol"`
	Bot      string  `json:"bot_id"`
	Account  string  `json:"account"`
	Token    uint64  `json:"token"`
	Granted  seconds `json:"granted"`
	Expires  seconds `json:"expires"`
	Exposed  bool    `json:"exposed"`
	Released bool    `json:"released"`
}

func (v claimView) claim() domain.Claim {
	return domain.Claim{
		Kind: domain.Kind(v.Kind), Exchange: v.Exchange, Symbol: v.Symbol, Bot: v.Bot, Account: v.Account, Granted: v.Granted.Time,
		Expires: v.Expires.Time, Exposed: v.Exposed, Released: v.Released, First: v.Token, Sequence: v.Token,
	}
}

func (b *Bots) ask(ctx context.Context, operation string, params any) (domain.Claim, error) {
	v, err := get[claimView](ctx, b.client, operation, params)
	return v.claim(), err
}

func (r BlockRequest) params() map[string]any {
	return map[string]any{
		"exchange": r.Exchange, "symbol": r.Symbol, "bot_id": r.Bot, "account": r.Account, "for": span(r.For), "exposed": r.Exposed,
	}
}

func held(claim domain.Claim) map[string]any {
	return map[string]any{"exchange": claim.Exchange, "symbol": claim.Symbol, "bot_id": claim.Bot, "token": claim.Token()}
}

func longer(claim domain.Claim, last time.Duration) map[string]any {
	params := held(claim)
	params["for"] = span(last)
	return params
}

// Block gets the right to trade in a market. The error matches domain.ErrConflict
// while another bot has it.
func (b *Bots) Block(ctx context.Context, request BlockRequest) (domain.Claim, error) {
	return b.ask(ctx, "block", request.params())
}

// Takeover is Block that also takes a block that has expired although its bot is
// exposed.
func (b *Bots) Takeover(ctx context.Context, request BlockRequest) (domain.Claim, error) {
	return b.ask(ctx, "takeover", request.params())
}

// Renew makes a block last so long from now; zero: 30s.
func (b *Bots) Renew(ctx context.Context, claim domain.Claim, last time.Duration) (domain.Claim, error) {
	return b.ask(ctx, "renew_block", longer(claim, last))
}

// Unblock gives a block back.
func (b *Bots) Unblock(ctx context.Context, claim domain.Claim) error {
	return b.client.Call(ctx, "unblock", held(claim), nil)
}

// MarkOpening gets the right to open a position in a market.
func (b *Bots) MarkOpening(ctx context.Context, request BlockRequest) (domain.Claim, error) {
	return b.ask(ctx, "mark_opening", request.params())
}

// RenewOpening makes an opening mark last so long from now; zero: 30s.
func (b *Bots) RenewOpening(ctx context.Context, claim domain.Claim, last time.Duration) (domain.Claim, error) {
	return b.ask(ctx, "renew_opening", longer(claim, last))
}

// UnmarkOpening gives an opening mark back.
func (b *Bots) UnmarkOpening(ctx context.Context, claim domain.Claim) error {
	return b.client.Call(ctx, "unmark_opening", held(claim), nil)
}

// Blocks are those of an exchange, by symbol.
func (b *Bots) Blocks(ctx context.Context, exchange string) ([]domain.Claim, error) {
	blocks, _, err := b.claims(ctx, exchange)
	return blocks, err
}

// Openings are the opening marks of an exchange, by symbol.
func (b *Bots) Openings(ctx context.Context, exchange string) ([]domain.Claim, error) {
	_, openings, err := b.claims(ctx, exchange)
	return openings, err
}

func (b *Bots) claims(ctx context.Context, exchange string) (blocks, openings []domain.Claim, err error) {
	v, err := get[struct{ Blocks, Openings []claimView }](ctx, b.client, "get_blocks", venue(exchange))
	for _, c := range v.Blocks {
		blocks = append(blocks, c.claim())
	}
	for _, c := range v.Openings {
		openings = append(openings, c.claim())
	}
	return blocks, openings, err
}

// IsBlocked tells who has the right to trade in a market; false: nobody.
func (b *Bots) IsBlocked(ctx context.Context, exchange, symbol string) (domain.Claim, bool, error) {
	blocks, err := b.Blocks(ctx, exchange)
	return ofSymbol(blocks, symbol, err)
}

// IsOpening tells who is opening a position in a market; false: nobody.
func (b *Bots) IsOpening(ctx context.Context, exchange, symbol string) (domain.Claim, bool, error) {
	openings, err := b.Openings(ctx, exchange)
	return ofSymbol(openings, symbol, err)
}

// ofSymbol looks in the list rather than asking for the one, because is_blocked
// does not tell the account and whether it is exposed.
func ofSymbol(claims []domain.Claim, symbol string, err error) (domain.Claim, bool, error) {
	if err == nil {
		err = domain.CheckSymbol(symbol)
	}
	at := slices.IndexFunc(claims, func(c domain.Claim) bool { return c.Symbol == symbol })
	if err != nil || at < 0 {
		return domain.Claim{}, false, err
	}
	return claims[at], true, nil
}

// Watch yields the blocks and opening marks of an exchange, and from then on each
// one that changed: the newest state. One that was given back, or has expired, is
// Released.
func (b *Bots) Watch(ctx context.Context, exchange string) iter.Seq2[domain.Claim, error] {
	return watch(ctx, b.client, watched[domain.Claim]{
		operation: "stream_blocks",
		params:    func(uint64) map[string]any { return venue(exchange) },
		decode: func(_ *message, data []byte) (domain.Claim, string, error) {
			var v claimView
			err := decodeInto(data, &v)
			return v.claim(), v.Kind + " " + v.Symbol, err
		},
		gone: func(last domain.Claim) domain.Claim {
			last.Released = true
			return last
		},
	})
}

// Halts are the halts of an exchange. To halt is not offered to clients of the
// gateway.
func (b *Bots) Halts(ctx context.Context, exchange string) ([]domain.Halt, error) {
	v, err := get[struct {
		Halts []struct {
			Bot       string `json:"bot_id"`
			All       bool
			State     string
			Reason    string
			Timestamp seconds
		}
	}](ctx, b.client, "get_halts", venue(exchange))
	halts := make([]domain.Halt, len(v.Halts))
	for i, h := range v.Halts {
		state, wrong := domain.ParseHaltState(h.State)
		if wrong != nil {
			return nil, unknown(wrong)
		}
		halts[i] = domain.Halt{Exchange: exchange, Bot: h.Bot, All: h.All, State: state, Reason: h.Reason, Time: h.Timestamp.Time}
	}
	return halts, err
}

// UpdateStatus stores what a bot says about one of its feeds, in place of what it
// said of that feed before. Its time is the server's.
func (b *Bots) UpdateStatus(ctx context.Context, status domain.BotStatus) (domain.LogPosition, error) {
	return b.client.store(ctx, "update_bot", map[string]any{"bot_id": status.Bot, "feed": status.Feed, "data": status.Fields})
}

// DeleteStatus forgets what a bot said of a feed, or with an empty feed all.
func (b *Bots) DeleteStatus(ctx context.Context, bot, feed string) (domain.LogPosition, error) {
	return b.client.store(ctx, "delete_bot", map[string]any{"bot_id": bot, "feed": feed})
}

// botView is what a bot says, by feed.
type botView struct {
	Bot     string                       `json:"bot_id"`
	Data    map[string]map[string]string `json:"data"`
	Updated map[string]seconds           `json:"updated"`
}

func (v botView) statuses() []domain.BotStatus {
	statuses := make([]domain.BotStatus, 0, len(v.Data))
	for _, feed := range slices.Sorted(maps.Keys(v.Data)) {
		statuses = append(statuses, domain.BotStatus{Bot: v.Bot, Feed: feed, Fields: v.Data[feed], Time: v.Updated[feed].Time})
	}
	return statuses
}

// Status reads what a bot says, by feed. The error matches domain.ErrNotFound for
// one that has said nothing.
func (b *Bots) Status(ctx context.Context, bot string) ([]domain.BotStatus, error) {
	v, err := get[botView](ctx, b.client, "get_bot_status", map[string]any{"bot_id": bot})
	return v.statuses(), err
}

type botsView struct {
	Bots map[string]botView `json:"bots"`
}

// Statuses reads what all bots say, by bot and feed.
func (b *Bots) Statuses(ctx context.Context) ([]domain.BotStatus, error) {
	v, err := get[botsView](ctx, b.client, "get_bots", nil)
	var all []domain.BotStatus
	for _, bot := range v.Bots {
		all = append(all, bot.statuses()...)
	}
	slices.SortFunc(all, func(a, b domain.BotStatus) int { return cmp.Or(cmp.Compare(a.Bot, b.Bot), cmp.Compare(a.Feed, b.Feed)) })
	return all, err
}

// BotReport is all that one bot says.
type BotReport struct {
	Bot      string
	Statuses []domain.BotStatus // by feed; none: it was forgotten
}

// WatchStatus yields what bots say, or what one says where its id is given, and
// from then on each bot whose word changed: the newest state.
func (b *Bots) WatchStatus(ctx context.Context, bot string) iter.Seq2[BotReport, error] {
	return watch(ctx, b.client, watched[BotReport]{
		operation: "stream_bot_status",
		params:    func(uint64) map[string]any { return map[string]any{"bot_id": bot} },
		decode: func(_ *message, data []byte) (BotReport, string, error) {
			var v struct {
				botsView
				Bot string `json:"bot_id"` // of one that was forgotten
			}
			if err := decodeInto(data, &v); err != nil {
				return BotReport{}, "", err
			}
			for id, said := range v.Bots { // a message is about one
				return BotReport{id, said.statuses()}, id, nil
			}
			return BotReport{Bot: v.Bot}, v.Bot, nil
		},
		gone: func(last BotReport) BotReport { return BotReport{Bot: last.Bot} },
	})
}
