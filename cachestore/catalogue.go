package cachestore

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// The catalogue is one partition. A venue that was deleted stays in the hash of
// venues as a stamp without a payload: what it took away is from before the
// stamp.

var (
	//go:embed scripts/symbol_by_venue.lua
	symbolByVenueSource string
	symbolByVenueScript = redis.NewScript(symbolByVenueSource)
)

// VenueWrites is what changes of one venue's part of the catalogue. Fields
// without a payload are removed.
type VenueWrites struct {
	Exchange string
	Revision uint64            // sequence of the last message about it
	Venue    *Write            // nil: unchanged; without a payload: deleted
	Gone     bool              // nothing is stored of the venue itself
	Symbols  []FieldWrite      // by name
	Shadowed []FieldWrite      // by name: from before the venue was deleted
	Names    map[string]string // venue symbol to name; empty: removed
	Listed   bool              // the exchange has symbols
}

// PutVenue writes what changed of a venue's part of the catalogue.
func (b *Batch) PutVenue(w VenueWrites) {
	p := b.partition
	switch {
	case w.Gone:
		b.do("HDEL", p.venuesKey(), w.Exchange)
	case w.Venue != nil:
		b.do("HSET", p.venuesKey(), w.Exchange, b.stamp(w.Venue.Seq, w.Venue.Payload))
	}
	b.putFields(p.symbolsKey(w.Exchange), w.Symbols)
	b.putFields(p.shadowedKey(w.Exchange), w.Shadowed)
	var set, removed []any
	for venueSymbol, name := range w.Names {
		if name == "" {
			removed = append(removed, venueSymbol)
		} else {
			set = append(set, venueSymbol, name)
		}
	}
	for chunk := range slices.Chunk(set, maxArguments/2*2) {
		b.do("HSET", p.venueSymbolsKey(w.Exchange), chunk...)
	}
	b.remove("HDEL", p.venueSymbolsKey(w.Exchange), removed)
	if w.Listed {
		b.do("SADD", p.cataloguedKey(), w.Exchange)
	} else {
		b.do("SREM", p.cataloguedKey(), w.Exchange)
	}
	b.do("HSET", p.revisionsKey(), w.Exchange, strconv.FormatUint(w.Revision, 10))
}

// VenueState is what a venue's part of the catalogue is folded from.
type VenueState struct {
	Deleted  uint64 // where the venue was deleted; zero: it is not
	Venue    domain.Venue
	Symbols  []ListedSymbol
	Shadowed []ListedSymbol
}

// ListedSymbol is a symbol as it is stored.
type ListedSymbol struct {
	domain.Symbol
	Payload []byte
}

// LoadVenues reads the parts of the catalogue that are about exchanges. The
// error matches domain.ErrUnreachable, or domain.ErrUnknown for what cannot be
// read: then the partition must be folded anew.
func (p *Partition) LoadVenues(ctx context.Context, exchanges []string) (map[string]VenueState, error) {
	pipe := p.store.rdb.Pipeline()
	venues := make([]*redis.StringCmd, len(exchanges))
	symbols, shadowed := make([]*redis.MapStringStringCmd, len(exchanges)), make([]*redis.MapStringStringCmd, len(exchanges))
	for i, exchange := range exchanges {
		venues[i] = pipe.HGet(ctx, p.venuesKey(), exchange)
		symbols[i] = pipe.HGetAll(ctx, p.symbolsKey(exchange))
		shadowed[i] = pipe.HGetAll(ctx, p.shadowedKey(exchange))
	}
	_, _ = pipe.Exec(ctx) // gives the first error, which may only say that there is no venue
	out := make(map[string]VenueState, len(exchanges))
	for i, exchange := range exchanges {
		var state VenueState
		text, err := venues[i].Result()
		if err != nil && err != redis.Nil {
			return nil, p.failed(ctx, "load the catalogue", err)
		}
		if err == nil {
			var found bool
			if state.Venue, found, err = readVenue(exchange, text); err != nil {
				return nil, err
			}
			if !found {
				state.Deleted = state.Venue.Sequence
			}
		}
		if state.Symbols, err = p.listed(ctx, exchange, symbols[i]); err != nil {
			return nil, err
		}
		if state.Shadowed, err = p.listed(ctx, exchange, shadowed[i]); err != nil {
			return nil, err
		}
		out[exchange] = state
	}
	return out, nil
}

func (p *Partition) listed(ctx context.Context, exchange string, reply *redis.MapStringStringCmd) ([]ListedSymbol, error) {
	if err := reply.Err(); err != nil {
		return nil, p.failed(ctx, "load the catalogue", err)
	}
	out := make([]ListedSymbol, 0, len(reply.Val()))
	for name, value := range reply.Val() {
		s, payload, err := readListed(exchange, name, value)
		if err != nil {
			return nil, err
		}
		out = append(out, ListedSymbol{Symbol: s, Payload: payload})
	}
	return out, nil
}

// Venue reads a venue and the checkpoint that it is of. The error matches
// domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) Venue(ctx context.Context, exchange string) (v domain.Venue, found bool, at domain.Checkpoint, err error) {
	values, at, err := p.fields(ctx, p.venuesKey(), exchange)
	if err != nil {
		return v, false, at, err
	}
	if text, ok := values[0].(string); ok {
		v, found, err = readVenue(exchange, text)
	}
	return v, found, at, err
}

// Venues reads all venues, in no order. Errors as for Venue.
func (p *Partition) Venues(ctx context.Context) ([]domain.Venue, domain.Checkpoint, error) {
	fields, at, err := p.whole(ctx, p.venuesKey())
	var out []domain.Venue
	for exchange, text := range fields {
		v, found, err := readVenue(exchange, text)
		if err != nil {
			return nil, at, err
		}
		if found {
			out = append(out, v)
		}
	}
	return out, at, err
}

// Symbol reads a symbol. Errors as for Venue.
func (p *Partition) Symbol(ctx context.Context, exchange, name string) (s domain.Symbol, found bool, at domain.Checkpoint, err error) {
	values, at, err := p.fields(ctx, p.symbolsKey(exchange), name)
	if err != nil {
		return s, false, at, err
	}
	text, found := values[0].(string)
	if found {
		s, _, err = readListed(exchange, name, text)
	}
	return s, found, at, err
}

// SymbolByVenue reads the symbol that a venue calls so. Errors as for Venue.
func (p *Partition) SymbolByVenue(ctx context.Context, exchange, venueSymbol string) (s domain.Symbol, found bool, at domain.Checkpoint, err error) {
	keys := []string{p.checkpointKey(), p.venueSymbolsKey(exchange), p.symbolsKey(exchange)}
	reply, err := symbolByVenueScript.Run(ctx, p.store.rdb, keys, venueSymbol).StringSlice()
	if err != nil {
		return s, false, at, p.failed(ctx, "read the symbol", err)
	}
	if at, err = domain.ParseCheckpoint(reply[0]); err != nil || len(reply) == 1 {
		return s, false, at, err
	}
	s, _, err = readListed(exchange, reply[1], reply[2])
	return s, err == nil, at, err
}

// Symbols reads all symbols of an exchange, in no order. Errors as for Venue.
func (p *Partition) Symbols(ctx context.Context, exchange string) ([]domain.Symbol, domain.Checkpoint, error) {
	fields, at, err := p.whole(ctx, p.symbolsKey(exchange))
	out := make([]domain.Symbol, 0, len(fields))
	for name, text := range fields {
		s, _, err := readListed(exchange, name, text)
		if err != nil {
			return nil, at, err
		}
		out = append(out, s)
	}
	return out, at, err
}

// Catalogued lists the exchanges that have symbols, in no order. Errors as for
// Venue.
func (p *Partition) Catalogued(ctx context.Context) ([]string, domain.Checkpoint, error) {
	return p.members(ctx, p.cataloguedKey())
}

// Revision reads the sequence of the last message about an exchange; zero:
// none. What is stored of it has not changed while that has not. Errors as for
// Venue.
func (p *Partition) Revision(ctx context.Context, exchange string) (uint64, domain.Checkpoint, error) {
	values, at, err := p.fields(ctx, p.revisionsKey(), exchange)
	if err != nil {
		return 0, at, err
	}
	text, ok := values[0].(string)
	if !ok {
		return 0, at, nil
	}
	revision, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		err = fmt.Errorf("revision of %s: %w: %w", exchange, domain.ErrUnknown, err)
	}
	return revision, at, err
}

// whole reads a hash and the checkpoint that it is of, in one step.
func (p *Partition) whole(ctx context.Context, key string) (map[string]string, domain.Checkpoint, error) {
	tx := p.store.rdb.TxPipeline()
	checkpoint, fields := tx.Get(ctx, p.checkpointKey()), tx.HGetAll(ctx, key)
	_, _ = tx.Exec(ctx) // gives the first error, which may only say that there is no checkpoint
	at, err := p.checkpointOf(ctx, checkpoint)
	if err == nil && fields.Err() != nil {
		err = p.failed(ctx, "read the catalogue", fields.Err())
	}
	return fields.Val(), at, err
}

// members reads a set and the checkpoint that it is of, in one step.
func (p *Partition) members(ctx context.Context, key string) ([]string, domain.Checkpoint, error) {
	tx := p.store.rdb.TxPipeline()
	checkpoint, members := tx.Get(ctx, p.checkpointKey()), tx.SMembers(ctx, key)
	_, _ = tx.Exec(ctx) // gives the first error, which may only say that there is no checkpoint
	at, err := p.checkpointOf(ctx, checkpoint)
	if err == nil && members.Err() != nil {
		err = p.failed(ctx, "read the catalogue", members.Err())
	}
	return members.Val(), at, err
}

// readVenue reads a stored venue; found is false for the stamp that a deletion
// left behind, whose sequence the venue then has.
func readVenue(exchange, value string) (v domain.Venue, found bool, err error) {
	seq, payload, err := wire.Unstamp([]byte(value))
	if err == nil && len(payload) > 0 {
		found = true
		v, err = wire.DecodeVenue(domain.Key{Exchange: exchange}, payload)
	}
	if err != nil {
		return v, false, fmt.Errorf("venue %s: %w: %w", exchange, domain.ErrUnknown, err)
	}
	v.Name, v.Sequence = exchange, seq
	return v, found, nil
}

func readListed(exchange, name, value string) (s domain.Symbol, payload []byte, err error) {
	seq, payload, err := wire.Unstamp([]byte(value))
	if err == nil {
		s, err = wire.DecodeSymbol(domain.Key{Exchange: exchange, Symbol: name}, payload)
	}
	if err != nil {
		return s, nil, fmt.Errorf("symbol %s %s: %w: %w", exchange, name, domain.ErrUnknown, err)
	}
	s.Sequence = seq
	return s, payload, nil
}
