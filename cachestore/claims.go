package cachestore

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
)

// Blocks, opening marks and halts are fields of plain text in a few hashes of
// their exchange's partition, see the package's comment. A claim that was given
// back moves from one hash to another, so that what is in blocks keeps somebody
// out or has expired, and the sequence of its return is known all the same. What
// a pop has to know of all that is in a hash of its own, rights, which has it at
// once: the two claims of a symbol are one field, beside the halts.

var claimKinds = []domain.Kind{domain.KindBlock, domain.KindOpening}

// exchange is whose orders the partition has: its stream is named after it.
func (p *Partition) exchange() string {
	_, name, _ := strings.Cut(p.stream, "_")
	return strings.ToLower(name)
}

// PutClaims sets claims of a kind, those that were given back included. First is
// the token in each of them.
func (b *Batch) PutClaims(kind domain.Kind, claims []domain.Claim) {
	var held, heldSymbols, freed, returned, freedSymbols []any
	for _, c := range claims {
		if c.Released {
			freedSymbols = append(freedSymbols, c.Symbol)
			freed = append(freed, c.Symbol, strconv.FormatUint(c.Sequence, 10))
			returned = append(returned, c.Symbol, fmt.Sprintf("%d %s %d", c.First, c.Bot, unixMilli(c.Expires)))
			continue
		}
		heldSymbols = append(heldSymbols, c.Symbol)
		held = append(held, c.Symbol, heldText(c))
	}
	p := b.partition
	b.remove("HDEL", p.heldKey(kind), freedSymbols)
	b.remove("HDEL", p.freedKey(kind), heldSymbols)
	b.remove("HDEL", p.returnedKey(kind), heldSymbols)
	b.setFields(p.heldKey(kind), held)
	b.setFields(p.freedKey(kind), freed)
	b.setFields(p.returnedKey(kind), returned)
}

// MarketClaims are the two claims of a market, as in PutClaims; without a Bot:
// there never was one.
type MarketClaims struct {
	Symbol         string
	Block, Opening domain.Claim
}

// PutMarketClaims says what pops are to know of both claims of markets where one
// of them has changed.
func (b *Batch) PutMarketClaims(markets []MarketClaims) {
	var set []any
	for _, m := range markets {
		set = append(set, m.Symbol, marketClaimsText(m.Block, m.Opening))
	}
	b.setFields(b.partition.rightsKey(), set)
}

func marketClaimsText(block, opening domain.Claim) string {
	text := fmt.Sprintf("%d %d", block.Sequence, opening.Sequence)
	if isHeld(block) || isHeld(opening) {
		text += heldRight(block) + heldRight(opening)
	}
	return text
}

func isHeld(c domain.Claim) bool { return c.Bot != "" && !c.Released }

func heldRight(c domain.Claim) string {
	if !isHeld(c) {
		return " 0 0 0 -"
	}
	return fmt.Sprintf(" %d %d %d %s", c.First, unixMilli(c.Expires), exposedDigit(c), c.Bot)
}

func exposedDigit(c domain.Claim) int {
	if c.Exposed {
		return 1
	}
	return 0
}

// allExchanges stands in the halts where a bot does, which cannot be called so: a
// halt of all exchanges.
const allExchanges = "*"

func haltField(h domain.Halt) string {
	if h.All {
		return allExchanges
	}
	return h.Bot
}

// PutHalts sets halts. One that is active is removed, unless it is the exchange's
// own: that is what no halt is.
func (b *Batch) PutHalts(halts []domain.Halt) {
	var set, removed []any
	for _, h := range halts {
		field := haltField(h)
		if field != "" && h.State == domain.TradingActive {
			removed = append(removed, field)
			continue
		}
		set = append(set, field, fmt.Sprintf("%d %d %d %s", h.State, h.Sequence, unixMilli(h.Time), h.Reason))
	}
	b.remove("HDEL", b.partition.rightsKey(), removed)
	b.setFields(b.partition.rightsKey(), set)
}

// setFields sets fields of a hash, given as field, value, field, value…
func (b *Batch) setFields(key string, pairs []any) {
	const atOnce = maxArguments / 2 * 2
	for len(pairs) > 0 {
		n := min(atOnce, len(pairs))
		b.do("HSET", key, pairs[:n]...)
		pairs = pairs[n:]
	}
}

// Rights are all rights to trade of an exchange, at a checkpoint, in no order.
type Rights struct {
	At     domain.Checkpoint
	Claims []domain.Claim // of both kinds, those that were given back included; First is the token
	Halts  []domain.Halt  // of the exchange, if there ever was one, and of bots and all exchanges where the state is not active
}

// Rights reads the rights to trade, in one step. The error matches
// domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) Rights(ctx context.Context) (Rights, error) {
	tx := p.store.rdb.TxPipeline()
	checkpoint := tx.Get(ctx, p.checkpointKey())
	var held, freed, returned [2]*redis.MapStringStringCmd
	for i, kind := range claimKinds {
		held[i] = tx.HGetAll(ctx, p.heldKey(kind))
		freed[i] = tx.HGetAll(ctx, p.freedKey(kind))
		returned[i] = tx.HGetAll(ctx, p.returnedKey(kind))
	}
	all := tx.HGetAll(ctx, p.rightsKey())
	_, _ = tx.Exec(ctx) // gives the first error, which may only say that there is no checkpoint
	at, err := p.checkpointOf(ctx, checkpoint)
	for i := range claimKinds {
		if err == nil {
			err = p.failedReply(ctx, held[i], freed[i], returned[i], all)
		}
	}
	if err != nil {
		return Rights{}, err
	}
	out := Rights{At: at}
	for i, kind := range claimKinds {
		for symbol, text := range held[i].Val() {
			c, err := p.readHeld(kind, symbol, text)
			if err != nil {
				return Rights{}, err
			}
			out.Claims = append(out.Claims, c)
		}
		for symbol, text := range freed[i].Val() {
			c, err := p.readFreed(kind, symbol, text, returned[i].Val()[symbol])
			if err != nil {
				return Rights{}, err
			}
			out.Claims = append(out.Claims, c)
		}
	}
	for whose, text := range all.Val() {
		if strings.Contains(whose, "/") {
			continue // a symbol, whose claims are known already
		}
		h, err := p.readHalt(whose, text)
		if err != nil {
			return Rights{}, err
		}
		out.Halts = append(out.Halts, h)
	}
	return out, nil
}

// Claim reads one claim and the checkpoint that it is of. held is false where
// there is none that was not given back; it may have expired. The error matches
// domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) Claim(ctx context.Context, kind domain.Kind, symbol string) (c domain.Claim, held bool, at domain.Checkpoint, err error) {
	values, at, err := p.fields(ctx, p.heldKey(kind), symbol)
	if err != nil {
		return c, false, at, err
	}
	text, held := values[0].(string)
	if held {
		c, err = p.readHeld(kind, symbol, text)
	}
	return c, held && err == nil, at, err
}

// HasLiveOrder tells whether a bot has an order for a symbol that is not final,
// and the checkpoint that this is of. The error matches domain.ErrUnreachable or
// domain.ErrUnknown.
func (p *Partition) HasLiveOrder(ctx context.Context, bot, symbol string) (bool, domain.Checkpoint, error) {
	n, at, err := p.count(ctx, p.liveCountKey(), LiveCountField(bot, symbol))
	return n > 0, at, err
}

// count reads one of the numbers of a hash; zero: it is not there.
func (p *Partition) count(ctx context.Context, key, field string) (int, domain.Checkpoint, error) {
	values, at, err := p.fields(ctx, key, field)
	if err != nil {
		return 0, at, err
	}
	text, ok := values[0].(string)
	if !ok {
		return 0, at, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, at, fmt.Errorf("%s, %s: %w: %q is no number", key, field, domain.ErrUnknown, text)
	}
	return int(n), at, nil
}

func heldText(c domain.Claim) string {
	account := c.Account
	if account == "" {
		account = "-"
	}
	return fmt.Sprintf("%d %d %d %d %s %s %d", c.Sequence, c.First, unixMilli(c.Expires), exposedDigit(c), c.Bot, account, unixMilli(c.Granted))
}

func (p *Partition) readHeld(kind domain.Kind, symbol, text string) (domain.Claim, error) {
	c := domain.Claim{Kind: kind, Exchange: p.exchange(), Symbol: symbol}
	var numbers [5]int64 // sequence, token, expires, exposed, granted
	fields := strings.Split(text, " ")
	ok := len(fields) == 7
	if ok {
		for i, at := range [...]int{0, 1, 2, 3, 6} {
			n, err := strconv.ParseInt(fields[at], 10, 64)
			numbers[i], ok = n, ok && err == nil
		}
	}
	if !ok || numbers[0] <= 0 || numbers[1] <= 0 || fields[4] == "" {
		return domain.Claim{}, fmt.Errorf("%s %s %s: %w: %q is not how one is stored", kind, c.Exchange, symbol, domain.ErrUnknown, text)
	}
	c.Sequence, c.First = uint64(numbers[0]), uint64(numbers[1])
	c.Expires, c.Exposed, c.Granted = fromUnixMilli(numbers[2]), numbers[3] != 0, fromUnixMilli(numbers[4])
	if c.Bot = fields[4]; fields[5] != "-" {
		c.Account = fields[5]
	}
	return c, nil
}

func (p *Partition) readFreed(kind domain.Kind, symbol, sequence, text string) (domain.Claim, error) {
	c := domain.Claim{Kind: kind, Exchange: p.exchange(), Symbol: symbol, Released: true}
	var at int64
	var err error
	c.Sequence, err = strconv.ParseUint(sequence, 10, 64)
	if err == nil {
		_, err = fmt.Sscanf(text, "%d %s %d", &c.First, &c.Bot, &at)
	}
	if err != nil {
		return domain.Claim{}, fmt.Errorf("%s %s %s: %w: %q %q is not how a return is stored", kind, c.Exchange, symbol, domain.ErrUnknown, sequence, text)
	}
	c.Expires = fromUnixMilli(at)
	return c, nil
}

func (p *Partition) readHalt(field, text string) (domain.Halt, error) {
	h := domain.Halt{Exchange: p.exchange(), Bot: field}
	if field == allExchanges {
		h.Bot, h.All = "", true
	}
	fields := strings.SplitN(text, " ", 4)
	var state uint64
	var at int64
	ok := len(fields) == 4
	if ok {
		var errs [3]error
		state, errs[0] = strconv.ParseUint(fields[0], 10, 8)
		h.Sequence, errs[1] = strconv.ParseUint(fields[1], 10, 64)
		at, errs[2] = strconv.ParseInt(fields[2], 10, 64)
		ok = errs == [3]error{}
	}
	h.State = domain.HaltState(state)
	if !ok || h.Validate() != nil {
		return domain.Halt{}, fmt.Errorf("halt %s %s: %w: %q is not how one is stored", h.Exchange, field, domain.ErrUnknown, text)
	}
	h.Time, h.Reason = fromUnixMilli(at), fields[3]
	return h, nil
}

func unixMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromUnixMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
