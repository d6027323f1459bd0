package bus

import (
	"context"
	"errors"

	"github.com/fullon/fullon/domain"
)

// haltTries bounds how often a halt begins anew because somebody was faster.
const haltTries = 32

// Halt stores a halt, or its end. One of a bot, or of all exchanges, is stored
// together with the present state of the exchange, so that what is stored on the
// condition of the newest message of that is stored on the condition of all its
// halts. Errors as for Commit.
func (b *Bus) Halt(ctx context.Context, halt domain.Halt) (domain.LogPosition, error) {
	if halt.Bot == "" && !halt.All {
		return b.Publish(ctx, halt)
	}
	if err := halt.Validate(); err != nil {
		return domain.LogPosition{}, err
	}
	var pos domain.LogPosition
	var err error
	for range haltTries {
		if pos, err = b.haltPart(ctx, halt); !errors.Is(err, domain.ErrConflict) {
			return pos, err
		}
	}
	return pos, err
}

func (b *Bus) haltPart(ctx context.Context, halt domain.Halt) (domain.LogPosition, error) {
	whole := domain.Halt{Exchange: halt.Exchange, State: domain.TradingActive, Time: halt.Time}
	known, wholeSeq, err := b.haltOf(ctx, whole.Key())
	if err != nil {
		return domain.LogPosition{}, err
	}
	if wholeSeq != 0 {
		whole = known
	}
	_, seq, err := b.haltOf(ctx, halt.Key())
	if err != nil && seq == 0 { // what cannot be read can be replaced
		return domain.LogPosition{}, err
	}
	return b.Commit(ctx, Change{Event: halt, Last: seq}, Change{Event: whole, Last: wholeSeq})
}

// haltOf reads the newest halt with a key; sequence zero: there is none. An
// exchange without a stream is an error that matches domain.ErrNotFound; of a
// message that cannot be read the sequence is known.
func (b *Bus) haltOf(ctx context.Context, key domain.Key) (domain.Halt, uint64, error) {
	event, seq, _, err := b.Last(ctx, key)
	if errors.Is(err, domain.ErrNotFound) {
		_, missing := b.streamInfo(ctx, OrderStream(key.Exchange))
		return domain.Halt{}, 0, missing
	}
	if err != nil {
		return domain.Halt{}, seq, err
	}
	return event.(domain.Halt), seq, nil
}

// inheritHalt halts the exchanges that have never heard of a halt of all
// exchanges, new ones above all, as far as the others are halted by one: what
// forbids most, if those do not agree. Who halts all exchanges looks for new ones
// afterwards, so between the two none is left out.
func (b *Bus) inheritHalt(ctx context.Context, exchanges []string) error {
	var halt domain.Halt
	var unaware []string
	for _, exchange := range exchanges {
		h, seq, err := b.haltOf(ctx, domain.Halt{Exchange: exchange, All: true}.Key())
		switch {
		case err != nil:
			return err
		case seq == 0:
			unaware = append(unaware, exchange)
		case h.State > halt.State:
			halt = h
		}
	}
	if halt.State <= domain.TradingActive {
		return nil
	}
	for _, exchange := range unaware {
		halt.Exchange = exchange
		if _, err := b.Halt(ctx, halt); err != nil {
			return err
		}
	}
	return nil
}
