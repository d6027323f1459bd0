package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// lookBack is over how many messages of a stream LastTrade looks for one that can
// be read.
const lookBack = 10_000

// LastTrade reads the newest trade of a market from the log. Where somebody has
// stored there what cannot be read, it is the newest one that can; its Sequence is
// that of the newest message nevertheless. The error matches domain.ErrNotFound,
// domain.ErrUnreachable or wire.ErrMalformed.
func (b *Bus) LastTrade(ctx context.Context, exchange, symbol string) (domain.Trade, error) {
	key := domain.Key{Kind: domain.KindTrade, Exchange: exchange, Symbol: symbol}
	msg, err := b.lastOf(ctx, key)
	if err != nil {
		return domain.Trade{}, err
	}
	trade, err := wire.DecodeTrade(key, msg.Data)
	if err != nil {
		stream := b.Layout().TradeStreamOf(exchange, symbol)
		for seq := msg.Sequence - 1; err != nil && seq > 0 && msg.Sequence-seq <= lookBack; seq-- {
			older, failed := b.stored(ctx, stream, func(ctx context.Context, s jetstream.Stream) (*jetstream.RawStreamMsg, error) {
				return s.GetMsg(ctx, seq)
			})
			switch {
			case errors.Is(failed, jetstream.ErrMsgNotFound):
			case failed != nil:
				return domain.Trade{}, b.unreachable("a trade before "+msg.Subject, failed)
			case older.Subject == msg.Subject:
				trade, err = wire.DecodeTrade(key, older.Data)
			}
		}
	}
	trade.Sequence = msg.Sequence
	return trade, err
}

// TradesAt reads the trades of a market that have the venue's time of last, which is
// what LastTrade has read, oldest first and last included. It looks back over 10,000
// messages at most; what cannot be read is left out. The error matches
// domain.ErrUnreachable.
func (b *Bus) TradesAt(ctx context.Context, last domain.Trade) ([]domain.Trade, error) {
	key := last.Key()
	address, err := b.address(key)
	if err != nil {
		return nil, err
	}
	// next reads the market's first trade at or behind a sequence.
	next := func(seq uint64) (domain.Trade, error) {
		msg, err := b.stored(ctx, address.Stream, func(ctx context.Context, s jetstream.Stream) (*jetstream.RawStreamMsg, error) {
			return s.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(address.Subject))
		})
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound): // it aged out meanwhile
			return domain.Trade{Sequence: last.Sequence}, nil
		case err != nil:
			return domain.Trade{}, b.unreachable("a trade of "+address.Subject, err)
		}
		trade, _ := wire.DecodeTrade(key, msg.Data) // without a time if it cannot be read
		trade.Sequence = msg.Sequence
		return trade, nil
	}
	from := last
	for back := uint64(1); from.Time.Equal(last.Time) && back/2 < min(last.Sequence-1, lookBack); back *= 2 {
		if from, err = next(last.Sequence - min(back, last.Sequence-1)); err != nil {
			return nil, err
		}
	}
	var trades []domain.Trade
	for {
		if from.Time.Equal(last.Time) {
			trades = append(trades, from)
		}
		if from.Sequence >= last.Sequence {
			return trades, nil
		}
		if from, err = next(from.Sequence + 1); err != nil {
			return nil, err
		}
	}
}

// LastTick reads the newest message about a market's tick from the log, which
// need not be the newest tick; a deletion is the zero Tick with a Sequence. The
// error matches domain.ErrNotFound, domain.ErrUnreachable or wire.ErrMalformed.
func (b *Bus) LastTick(ctx context.Context, exchange, symbol string) (domain.Tick, error) {
	key := domain.Key{Kind: domain.KindTick, Exchange: exchange, Symbol: symbol}
	msg, err := b.lastOf(ctx, key)
	if err != nil {
		return domain.Tick{}, err
	}
	if len(msg.Data) == 0 {
		return domain.Tick{Sequence: msg.Sequence}, nil
	}
	tick, err := wire.DecodeTick(key, msg.Data)
	tick.Sequence = msg.Sequence
	return tick, err
}

// Last reads the newest event with a key from the log, its sequence and the time
// at which the log stored it. The error matches domain.ErrNotFound,
// domain.ErrUnreachable or wire.ErrMalformed.
func (b *Bus) Last(ctx context.Context, key domain.Key) (event domain.Event, seq uint64, stored time.Time, err error) {
	msg, err := b.lastOf(ctx, key)
	if err != nil {
		return nil, 0, time.Time{}, err
	}
	event, err = wire.Decode(key, msg.Data)
	return event, msg.Sequence, msg.Time, err
}

// lastOf reads the newest message with a key.
func (b *Bus) lastOf(ctx context.Context, key domain.Key) (*jetstream.RawStreamMsg, error) {
	address, err := b.address(key)
	if err != nil {
		return nil, err
	}
	return b.last(ctx, address)
}

// errNoMessage is of a stream that is there and has no message of a subject.
var errNoMessage = fmt.Errorf("no message: %w", domain.ErrNotFound)

// last reads the newest message of a subject. It asks the stream's leader: the
// partitions' streams do not allow direct gets, which a replica that lags may
// answer.
func (b *Bus) last(ctx context.Context, address Address) (*jetstream.RawStreamMsg, error) {
	msg, err := b.stored(ctx, address.Stream, func(ctx context.Context, s jetstream.Stream) (*jetstream.RawStreamMsg, error) {
		return s.GetLastMsgForSubject(ctx, address.Subject)
	})
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, b.missing(ctx, address.Stream)
	}
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, fmt.Errorf("%s in %s: %w", address.Subject, address.Stream, errNoMessage)
	}
	if err != nil {
		return nil, b.unreachable("last of "+address.Subject, err)
	}
	return msg, nil
}

// stored asks a stream for a message until it is answered. The handle of a
// stream costs a round trip to get, so it is remembered until something is wrong
// with it.
func (b *Bus) stored(ctx context.Context, stream string, get func(context.Context, jetstream.Stream) (*jetstream.RawStreamMsg, error)) (msg *jetstream.RawStreamMsg, err error) {
	err = b.ask(ctx, func(ctx context.Context) error {
		known, ok := b.streams.Load(stream)
		if !ok {
			s, err := b.js.Stream(ctx, stream)
			if err != nil {
				return err
			}
			known, _ = b.streams.LoadOrStore(stream, s)
		}
		msg, err = get(ctx, known.(jetstream.Stream))
		return err
	})
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		b.streams.Delete(stream)
	}
	return msg, err
}
