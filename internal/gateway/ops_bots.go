package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strconv"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

const codeNoBot = "BOT_NOT_FOUND"

func botOperations() []operation {
	return []operation{
		define(operation{name: "get_bot_status", topic: topicBots, area: bots, about: "what a bot says of its feeds"}, getBot),
		define(operation{name: "get_bots", topic: topicBots, area: bots, about: "what all bots say"}, getBots),
		define(operation{name: "is_blocked", topic: topicBots, area: bots, about: "who has the right to trade in a market"}, isBlocked),
		define(operation{name: "is_opening", topic: topicBots, area: bots, about: "who is opening a position in a market"}, isOpening),
		define(operation{name: "get_blocks", topic: topicBots, area: bots, about: "the blocks and opening marks of an exchange"}, getBlocks),
		define(operation{name: "get_halts", area: bots, about: "what is halted at an exchange"}, getHalts),
		define(operation{name: "update_bot", aliases: []string{"set_bot_status"}, area: bots, kind: writes, about: "stores what a bot says of a feed"}, updateBot),
		define(operation{name: "delete_bot", area: bots, kind: writes, about: "forgets what a bot said"}, deleteBot),
		define(operation{name: "block", aliases: []string{"block_exchange"}, area: bots, kind: writes, about: "gets the right to trade in a market"},
			claimWith(func(b *client.Bots) grant { return b.Block })),
		define(operation{name: "takeover", area: bots, kind: writes, about: "takes a block that has expired although its bot is exposed"},
			claimWith(func(b *client.Bots) grant { return b.Takeover })),
		define(operation{name: "renew_block", area: bots, kind: writes, about: "makes a block last longer"},
			renewWith(func(b *client.Bots) renewal { return b.Renew }, domain.KindBlock)),
		define(operation{name: "unblock", aliases: []string{"unblock_exchange"}, area: bots, kind: writes, about: "gives a block back"},
			returnWith(func(b *client.Bots) giveBack { return b.Unblock }, domain.KindBlock)),
		define(operation{name: "mark_opening", aliases: []string{"mark_opening_position"}, area: bots, kind: writes, about: "gets the right to open a position in a market"},
			claimWith(func(b *client.Bots) grant { return b.MarkOpening })),
		define(operation{name: "renew_opening", area: bots, kind: writes, about: "makes an opening mark last longer"},
			renewWith(func(b *client.Bots) renewal { return b.RenewOpening }, domain.KindOpening)),
		define(operation{name: "unmark_opening", aliases: []string{"unmark_opening_position"}, area: bots, kind: writes, about: "gives an opening mark back"},
			returnWith(func(b *client.Bots) giveBack { return b.UnmarkOpening }, domain.KindOpening)),
		defineStream(operation{name: "stream_bot_status", topic: topicBots, area: bots, about: "what bots say, whenever that changes"},
			[]message{sent[BotUpdate](botUpdate), sent[botKey]("bot_deleted")}, streamBots),
		defineStream(operation{name: "stream_blocks", topic: topicBots, area: bots, about: "blocks and opening marks of an exchange whenever they change"},
			[]message{sent[Claim](blockUpdate), sent[Claim]("block_deleted")}, streamBlocks),
	}
}

const (
	botUpdate   = "bot_update"
	blockUpdate = "block_update"
)

type botParams struct {
	BotID ID `json:"bot_id" need:"yes"`
}

func (p *botParams) subject() (account, bot string) { return notAbout, string(p.BotID) }

// Bot is what a bot says, by feed.
type Bot struct {
	BotID     string                       `json:"bot_id"`
	Status    string                       `json:"status"` // the field status of the first feed that has one, else unknown
	Data      map[string]map[string]string `json:"data"`
	Timestamp *Time                        `json:"timestamp"` // of the newest
	Updated   map[string]*Time             `json:"updated"`   // when each feed's was said
}

func viewBot(id string, statuses []domain.BotStatus) Bot {
	out := Bot{BotID: id, Status: "unknown", Data: make(map[string]map[string]string, len(statuses)), Updated: make(map[string]*Time, len(statuses))}
	var newest time.Time
	for _, s := range statuses { // by feed
		out.Data[s.Feed], out.Updated[s.Feed] = s.Fields, knownTime(s.Time)
		if said := s.Fields["status"]; said != "" && out.Status == "unknown" {
			out.Status = said
		}
		if s.Time.After(newest) {
			newest = s.Time
		}
	}
	out.Timestamp = knownTime(newest)
	return out
}

func getBot(ctx context.Context, r *request, p *botParams) (Bot, error) {
	statuses, err := r.client().Bots.Status(ctx, string(p.BotID))
	return viewBot(string(p.BotID), statuses), notFound(err, codeNoBot)
}

// Bots is what all bots say, by bot.
type Bots struct {
	Bots map[string]Bot `json:"bots"`
}

func allBots(ctx context.Context, c *client.Client) ([]Bot, error) {
	statuses, err := c.Bots.Statuses(ctx) // by bot
	var out []Bot
	for first := 0; first < len(statuses); {
		last := first
		for last < len(statuses) && statuses[last].Bot == statuses[first].Bot {
			last++
		}
		out = append(out, viewBot(statuses[first].Bot, statuses[first:last]))
		first = last
	}
	return out, err
}

func getBots(ctx context.Context, r *request, _ *noParams) (Bots, error) {
	all, err := allBots(ctx, r.client())
	out := Bots{make(map[string]Bot, len(all))}
	for _, b := range all {
		out.Bots[b.BotID] = b
	}
	return out, err
}

// Blocked tells who has the right to trade in a market.
type Blocked struct {
	Exchange  string  `json:"exchange"`
	Symbol    string  `json:"symbol"`
	IsBlocked bool    `json:"is_blocked"`
	BlockedBy *string `json:"blocked_by"` // null: nobody
	Expires   *Time   `json:"expires"`
	Token     uint64  `json:"token"`
	Timestamp Time    `json:"timestamp"`
}

func isBlocked(ctx context.Context, r *request, p *marketParams) (Blocked, error) {
	claim, held, err := r.client().Bots.IsBlocked(ctx, p.Exchange, p.Symbol)
	out := Blocked{Exchange: p.Exchange, Symbol: p.Symbol, IsBlocked: held, Timestamp: Time{time.Now()}}
	if held {
		out.BlockedBy, out.Expires, out.Token = &claim.Bot, knownTime(claim.Expires), claim.Token()
	}
	return out, err
}

// Opening tells who is opening a position in a market.
type Opening struct {
	Exchange  string  `json:"exchange"`
	Symbol    string  `json:"symbol"`
	IsOpening bool    `json:"is_opening"`
	OpenedBy  *string `json:"opened_by"` // null: nobody
	Expires   *Time   `json:"expires"`
	Token     uint64  `json:"token"`
}

func isOpening(ctx context.Context, r *request, p *marketParams) (Opening, error) {
	claim, held, err := r.client().Bots.IsOpening(ctx, p.Exchange, p.Symbol)
	out := Opening{Exchange: p.Exchange, Symbol: p.Symbol, IsOpening: held}
	if held {
		out.OpenedBy, out.Expires, out.Token = &claim.Bot, knownTime(claim.Expires), claim.Token()
	}
	return out, err
}

// Claim is a block or an opening mark.
type Claim struct {
	Kind     string `json:"kind"` // block or opening
	Exchange string `json:"exchange"`
	Symbol   string `json:"symbol"`
	Bot      string `json:"bot_id"`
	Account  string `json:"account"`
	Token    uint64 `json:"token"` // higher than all before it in its market
	Granted  Time   `json:"granted"`
	Expires  Time   `json:"expires"`
	Exposed  bool   `json:"exposed"`
	Released bool   `json:"released"` // given back
}

func viewClaim(c domain.Claim) Claim {
	return Claim{string(c.Kind), c.Exchange, c.Symbol, c.Bot, c.Account, c.Token(), Time{c.Granted}, Time{c.Expires}, c.Exposed, c.Released}
}

// Claims are the blocks and opening marks of an exchange.
type Claims struct {
	Exchange string  `json:"exchange"`
	Blocks   []Claim `json:"blocks"`
	Openings []Claim `json:"openings"`
}

func getBlocks(ctx context.Context, r *request, p *exchangeParams) (Claims, error) {
	out := Claims{p.Exchange, []Claim{}, []Claim{}}
	blocks, err := r.client().Bots.Blocks(ctx, p.Exchange)
	if err != nil {
		return out, err
	}
	for _, c := range blocks {
		out.Blocks = append(out.Blocks, viewClaim(c))
	}
	openings, err := r.client().Bots.Openings(ctx, p.Exchange)
	for _, c := range openings {
		out.Openings = append(out.Openings, viewClaim(c))
	}
	return out, err
}

// Halts is what is halted at an exchange.
type Halts struct {
	Exchange string `json:"exchange"`
	Halts    []Halt `json:"halts"`
}

// Halt stops the trading of an exchange, or of one bot there.
type Halt struct {
	Bot       string `json:"bot_id"` // empty: all
	All       bool   `json:"all"`    // a part of a halt of all exchanges
	State     string `json:"state"`  // active, reduce_only or halted
	Reason    string `json:"reason"`
	Timestamp Time   `json:"timestamp"`
}

func getHalts(ctx context.Context, r *request, p *exchangeParams) (Halts, error) {
	halts, err := r.client().Bots.Halts(ctx, p.Exchange)
	out := Halts{p.Exchange, make([]Halt, 0, len(halts))}
	for _, h := range halts {
		out.Halts = append(out.Halts, Halt{h.Bot, h.All, h.State.String(), h.Reason, Time{h.Time}})
	}
	return out, err
}

type botStatusParams struct {
	botParams
	Feed string            `json:"feed"` // default: main
	Data map[string]string `json:"data" need:"yes"`
}

const defaultFeed = "main"

func updateBot(ctx context.Context, r *request, p *botStatusParams) (Stored, error) {
	if p.Feed == "" {
		p.Feed = defaultFeed
	}
	return stored(r.client().Bots.UpdateStatus(ctx, domain.BotStatus{Bot: string(p.BotID), Feed: p.Feed, Fields: p.Data}))
}

type botFeedParams struct {
	botParams
	Feed string `json:"feed"` // default: all
}

func deleteBot(ctx context.Context, r *request, p *botFeedParams) (Stored, error) {
	return stored(r.client().Bots.DeleteStatus(ctx, string(p.BotID), p.Feed))
}

type (
	grant    = func(context.Context, client.BlockRequest) (domain.Claim, error)
	renewal  = func(context.Context, domain.Claim, time.Duration) (domain.Claim, error)
	giveBack = func(context.Context, domain.Claim) error
)

type claimParams struct {
	marketParams
	botParams
	Account ID      `json:"account"`
	For     float64 `json:"for"` // seconds; default 30
	Exposed bool    `json:"exposed"`
}

func (p *claimParams) subject() (account, bot string) {
	if p.Account == "" {
		return notAbout, string(p.BotID)
	}
	return string(p.Account), string(p.BotID)
}

func claimWith(verb func(*client.Bots) grant) func(context.Context, *request, *claimParams) (Claim, error) {
	return func(ctx context.Context, r *request, p *claimParams) (Claim, error) {
		claim, err := verb(r.client().Bots)(ctx, client.BlockRequest{
			Exchange: p.Exchange, Symbol: p.Symbol, Bot: string(p.BotID), Account: string(p.Account), Exposed: p.Exposed,
			For: time.Duration(p.For * float64(time.Second)),
		})
		if err != nil {
			return Claim{}, heldBy(err)
		}
		return viewClaim(claim), nil
	}
}

// heldBy says who has what was asked for.
func heldBy(err error) error {
	var held *client.HeldError
	if errors.As(err, &held) {
		return fail("BLOCKED", "bot "+held.Claim.Bot+" has it until "+held.Claim.Expires.UTC().Format(time.RFC3339Nano))
	}
	return err
}

type tokenOfClaim struct {
	marketParams
	botParams
	Token uint64  `json:"token" need:"yes"`
	For   float64 `json:"for"` // seconds; default 30
}

func (p *tokenOfClaim) claim(kind domain.Kind) domain.Claim {
	return domain.Claim{
		Kind: kind, Exchange: p.Exchange, Symbol: p.Symbol, Bot: string(p.BotID), First: p.Token, Sequence: p.Token,
		Expires: time.Now(), // a claim has one; the log knows the real one
	}
}

func renewWith(verb func(*client.Bots) renewal, kind domain.Kind) func(context.Context, *request, *tokenOfClaim) (Claim, error) {
	return func(ctx context.Context, r *request, p *tokenOfClaim) (Claim, error) {
		claim, err := verb(r.client().Bots)(ctx, p.claim(kind), time.Duration(p.For*float64(time.Second)))
		if err != nil {
			return Claim{}, heldBy(err)
		}
		return viewClaim(claim), nil
	}
}

func returnWith(verb func(*client.Bots) giveBack, kind domain.Kind) func(context.Context, *request, *tokenOfClaim) (Done, error) {
	return func(ctx context.Context, r *request, p *tokenOfClaim) (Done, error) {
		err := verb(r.client().Bots)(ctx, p.claim(kind))
		return Done{err == nil}, heldBy(err)
	}
}

type botStreamParams struct {
	BotID ID `json:"bot_id"` // default: all
}

func (p *botStreamParams) subject() (account, bot string) { return notAbout, string(p.BotID) }

// BotUpdate is what bots say. The Python server's messages have all bots, by id;
// these have those that changed.
type BotUpdate struct {
	Bots      map[string]Bot `json:"bots"`
	Timestamp Time           `json:"timestamp"`
}

type botKey struct {
	BotID string `json:"bot_id"`
}

func streamBots(_ context.Context, r *request, p *botStreamParams) (*opening, error) {
	c := r.client()
	o := &opening{sources: []source{{
		key: "bots", moves: func(ctx context.Context) iter.Seq[error] { return c.CatalogueMoves(ctx) },
		read: func(ctx context.Context, known func(string) *update) ([]*update, error) {
			all, err := allBots(ctx, c)
			return updatesOf(all, known,
				func(b *Bot) (string, uint64, any) { return b.BotID, 0, textMark(b) },
				func(b Bot) *update {
					return &update{name: botUpdate, topic: b.BotID, key: botKey{b.BotID}, view: BotUpdate{map[string]Bot{b.BotID: b}, Time{time.Now()}}}
				}), err
		},
	}}}
	if p.BotID != "" {
		o.topics = []string{string(p.BotID)}
	}
	return o, nil
}

// textMark tells two states of a thing apart that has no sequence.
func textMark(v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

func streamBlocks(_ context.Context, r *request, p *exchangeParams) (*opening, error) {
	c := r.client()
	return &opening{sources: []source{{
		key: "blocks " + p.Exchange, moves: func(ctx context.Context) iter.Seq[error] { return c.Orders.Moves(ctx, p.Exchange) },
		read: func(ctx context.Context, known func(string) *update) ([]*update, error) {
			blocks, err := c.Bots.Blocks(ctx, p.Exchange)
			if err != nil {
				return nil, err
			}
			openings, err := c.Bots.Openings(ctx, p.Exchange)
			return updatesOf(append(blocks, openings...), known,
				func(c *domain.Claim) (string, uint64, any) {
					return string(c.Kind) + " " + c.Symbol, c.Token(), strconv.FormatInt(c.Expires.UnixNano(), 10)
				},
				func(c domain.Claim) *update {
					view := viewClaim(c)
					released := view
					released.Released = true
					return &update{name: blockUpdate, topic: c.Symbol, view: view, key: released}
				}), err
		},
	}}}, nil
}
