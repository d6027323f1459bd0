package projector

import (
	"context"
	"errors"
	"time"

	"github.com/fullon/fullon/domain"
)

// reconciler is a fold that knows what should be equal and is not.
type reconciler interface {
	// differences lists what has not been equal, and has not changed, for so long.
	// asked tells that Redis was read for it.
	differences(ctx context.Context, rests time.Duration) (events []domain.Event, asked bool, err error)
}

// reconcile stores what does not add up. What is equal in the end may come in any
// order, so it is judged only when it rests, and at the end of the log: the event
// is stored as the very next behind the checkpoint, so nothing is on its way that
// would explain it, and of several projectors one says it. What fails is tried
// again with the next look.
func (w *worker) reconcile(ctx context.Context, state fold) error {
	r, ok := state.(reconciler)
	if !ok {
		return nil
	}
	events, asked, err := r.differences(ctx, w.cfg.ReconcileAfter)
	if err == nil && asked {
		err = w.unmoved(ctx)
	}
	if err != nil {
		return err
	}
	last := w.at.Seq
	for _, event := range events {
		pos, err := w.log.PublishNext(ctx, event, last)
		if errors.Is(err, domain.ErrConflict) {
			return nil // what came between may explain it
		}
		if err != nil {
			w.slog.Debug("cannot store a difference", "error", err)
			return nil
		}
		last = pos.Seq
		w.stats.differences.Add(1)
		if d, ok := event.(domain.Difference); ok {
			w.slog.Warn("the venue says other than the fills make", "account", d.Account, "of", d.Subject(),
				"counted", d.Counted, "said", d.Said, "off", d.Off())
		}
	}
	return nil
}
