package bus

import "context"

// Stored is what became of a change: where it is, or why it is not there.
type Stored struct {
	Seq uint64 // zero: see Err
	Err error
}

// StoreEach stores changes, each by itself and as fast as the log takes them: a
// condition that does not hold keeps out its own change and no other. They are
// stored in their order, unless the connection is lost meanwhile. The results are
// in the order of the changes; their errors are those of Commit. It blocks until all
// are known.
func (b *Bus) StoreEach(ctx context.Context, changes []Change) []Stored {
	results := make([]Stored, len(changes))
	s := sending{bus: b, settled: func(i int, seq uint64, err error) error {
		results[i] = Stored{seq, err}
		return nil
	}}
	for i, change := range changes {
		m, err := b.conditional(change)
		if err == nil {
			err = s.post(ctx, i, m)
		}
		results[i].Err = err
	}
	_ = s.settleAll(ctx) // settled gives none
	return results
}
