package projector

import (
	"context"
	"fmt"
	"strconv"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// claimKinds are the events of the rights to trade.
var claimKinds = []domain.Kind{
	domain.KindBlock, domain.KindBlockRenewal, domain.KindOpening, domain.KindOpeningRenewal, domain.KindHalt,
	domain.KindHaltAll,
}

// claimFold keeps the blocks, opening marks and halts of an exchange. There are
// a few for each market, so all are loaded at once. Renewals are merged into the
// claim that they are of.
type claimFold struct {
	partition *cachestore.Partition
	loaded    bool                      // the last load asked Redis
	known     bool                      // all of them are loaded
	claims    map[claimKey]domain.Claim // First is the token

	dirtyClaims map[claimKey]bool
	dirtyHalts  map[domain.Key]domain.Halt
	outOfOrder  uint64
}

type claimKey struct {
	kind   domain.Kind
	symbol string
}

func newClaimFold(partition *cachestore.Partition) *claimFold {
	return &claimFold{
		partition: partition, claims: make(map[claimKey]domain.Claim),
		dirtyClaims: make(map[claimKey]bool), dirtyHalts: make(map[domain.Key]domain.Halt),
	}
}

func (f *claimFold) load(ctx context.Context, _ []domain.Record) error {
	f.loaded = !f.known
	if f.known {
		return nil
	}
	rights, err := f.partition.Rights(ctx)
	if err != nil {
		return err
	}
	for _, c := range rights.Claims {
		f.claims[claimKey{c.Kind, c.Symbol}] = c
	}
	f.known = true
	return nil
}

func (f *claimFold) asked() bool { return f.loaded }

func (f *claimFold) add(rec domain.Record) error {
	event, err := wire.Decode(rec.Key, rec.Data)
	if err == nil {
		err = event.Validate() // what is stored as text must not contain what separates it
	}
	if err != nil {
		return err
	}
	switch ev := event.(type) {
	case domain.Claim:
		ev.Sequence = rec.Seq
		return f.claim(ev)
	case domain.ClaimRenewal:
		ev.Sequence = rec.Seq
		f.renew(ev)
	case domain.Halt:
		ev.Sequence = rec.Seq
		f.dirtyHalts[rec.Key] = ev
	default:
		return misplaced(rec)
	}
	return nil
}

// claim takes a grant, a return or a repetition of either. Our own writers store
// them on conditions; what is refused here comes from others.
func (f *claimFold) claim(c domain.Claim) error {
	key := claimKey{c.Kind, c.Symbol}
	now, known := f.claims[key]
	held := known && !now.Released
	another := c.First != 0 && c.First != now.First
	switch {
	case c.First >= c.Sequence:
		return domain.Invalid("first", strconv.FormatUint(c.First, 10), "0, or the sequence of an earlier event")
	case c.Released && held && (c.Bot != now.Bot || another):
		return fmt.Errorf("%s of %s given back by %s (token %d), which %s holds (token %d): %w",
			c.Kind, c.Symbol, c.Bot, c.First, now.Bot, now.First, domain.ErrConflict)
	case !c.Released && c.First != 0 && known && (now.Released || another || c.Bot != now.Bot):
		return fmt.Errorf("%s of %s repeated for %s (token %d), which is not what was known: %w",
			c.Kind, c.Symbol, c.Bot, c.First, domain.ErrConflict)
	case c.First == 0 && !c.Released:
		c.First = c.Sequence
	case c.First == 0 && held:
		c.First = now.First
	}
	f.claims[key] = c
	f.dirtyClaims[key] = true
	return nil
}

// renew moves the expiry of the claim that the renewal is of, if that is held.
func (f *claimFold) renew(r domain.ClaimRenewal) {
	key := claimKey{r.Kind, r.Symbol}
	c, known := f.claims[key]
	if !known || !r.Renews(c) {
		f.outOfOrder++
		return
	}
	c.Expires = r.Expires
	f.claims[key] = c
	f.dirtyClaims[key] = true
}

func (f *claimFold) flush(b *cachestore.Batch, s *stats) error {
	changed := make(map[domain.Kind][]domain.Claim)
	markets := make([]cachestore.MarketClaims, 0, len(f.dirtyClaims)) // twice where both have changed
	for key := range f.dirtyClaims {
		changed[key.kind] = append(changed[key.kind], f.claims[key])
		markets = append(markets, cachestore.MarketClaims{
			Symbol:  key.symbol,
			Block:   f.claims[claimKey{domain.KindBlock, key.symbol}],
			Opening: f.claims[claimKey{domain.KindOpening, key.symbol}],
		})
	}
	for kind, claims := range changed {
		b.PutClaims(kind, claims)
	}
	b.PutMarketClaims(markets)
	if len(f.dirtyHalts) > 0 {
		halts := make([]domain.Halt, 0, len(f.dirtyHalts))
		for _, h := range f.dirtyHalts {
			halts = append(halts, h)
		}
		b.PutHalts(halts)
	}
	clear(f.dirtyClaims)
	clear(f.dirtyHalts)
	s.outOfOrder.Add(f.outOfOrder)
	f.outOfOrder = 0
	return nil
}

// old implements renewer.
func (f *claimFold) old(ctx context.Context, at domain.Checkpoint, before uint64, limit int) ([]domain.Event, error) {
	return f.partition.OldRights(ctx, at, before, limit)
}
