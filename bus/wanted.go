package bus

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"github.com/fullon/fullon/domain"
)

// MaxWanted bounds the symbols that are followed of one venue.
const MaxWanted = 5000

// maxWantedBytes fits so many symbols twice.
const maxWantedBytes = 512 << 10

// changeTries bounds how often a change begins anew because somebody was faster.
const changeTries = 32

// wanted is what is followed of a venue, as it is stored.
type wanted struct {
	Symbols []string `json:"symbols"`
	// Setting is what the symbols were set to by a process's configuration; empty:
	// they never were.
	Setting []string `json:"setting,omitempty"`
}

// Wanted are the symbols that are followed of a venue, sorted. The error matches
// domain.ErrNotFound when nobody has said, domain.ErrInvalid when it cannot be
// read, or domain.ErrUnreachable.
func (f *Feeds) Wanted(ctx context.Context, exchange string) ([]string, error) {
	w, _, err := f.wanted(ctx, exchange)
	return w.Symbols, err
}

func (f *Feeds) wanted(ctx context.Context, exchange string) (w wanted, revision uint64, err error) {
	entry, err := f.get(ctx, wantedKey(exchange))
	if err != nil {
		return w, 0, err
	}
	if err := json.Unmarshal(entry.Value(), &w); err != nil {
		return wanted{}, entry.Revision(), domain.Invalid(wantedKey(exchange), string(entry.Value()), "a JSON object with symbols")
	}
	return w, entry.Revision(), nil
}

// ChangeWanted makes the symbols those that change returns for what they are now,
// and returns them, sorted. An error of change ends it; others match
// domain.ErrInvalid, domain.ErrConflict or domain.ErrUnreachable. change may be
// called more than once.
func (f *Feeds) ChangeWanted(ctx context.Context, exchange string, change func(now []string) ([]string, error)) ([]string, error) {
	return f.rewrite(ctx, exchange, func(w *wanted) (err error) {
		w.Symbols, err = change(slices.Clone(w.Symbols))
		return err
	})
}

// SettleWanted applies what a process's configuration says and returns the symbols
// to follow. What was subscribed and unsubscribed since stays, until the
// configuration says something else than it said before. Without explicit symbols
// the usual ones are taken where nobody has said anything yet. Errors as for
// ChangeWanted.
func (f *Feeds) SettleWanted(ctx context.Context, exchange string, explicit, usual []string) ([]string, error) {
	explicit = slices.Compact(slices.Sorted(slices.Values(explicit)))
	return f.rewrite(ctx, exchange, func(w *wanted) error {
		switch {
		case len(explicit) > 0 && !slices.Equal(explicit, w.Setting):
			w.Symbols, w.Setting = explicit, explicit
		case len(w.Symbols) == 0:
			w.Symbols = usual
		}
		return nil
	})
}

func (f *Feeds) rewrite(ctx context.Context, exchange string, change func(*wanted) error) ([]string, error) {
	if err := domain.CheckExchange(exchange); err != nil {
		return nil, err
	}
	var err error
	for range changeTries {
		w, revision, readErr := f.wanted(ctx, exchange)
		if readErr != nil && !errors.Is(readErr, domain.ErrNotFound) && !errors.Is(readErr, domain.ErrInvalid) {
			return nil, readErr
		}
		before := wanted{slices.Clone(w.Symbols), slices.Clone(w.Setting)}
		if err := change(&w); err != nil {
			return nil, err
		}
		w.Symbols = slices.Compact(slices.Sorted(slices.Values(w.Symbols)))
		if len(w.Symbols) == 0 || len(w.Symbols) > MaxWanted {
			return nil, domain.Invalid("symbols", strconv.Itoa(len(w.Symbols)), "1 to "+strconv.Itoa(MaxWanted)+" symbols of a venue")
		}
		if revision != 0 && slices.Equal(before.Symbols, w.Symbols) && slices.Equal(before.Setting, w.Setting) {
			return w.Symbols, nil
		}
		if _, err = f.put(ctx, wantedKey(exchange), w, revision); !errors.Is(err, domain.ErrConflict) {
			return w.Symbols, err
		}
	}
	return nil, err
}

func wantedKey(exchange string) string { return "wanted." + exchange }
