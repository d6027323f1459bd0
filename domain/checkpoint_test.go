package domain_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/fullon/fullon/domain"
)

func TestCheckpointsSurviveTheRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := domain.Checkpoint{
			Epoch: rapid.Uint64().Draw(t, "epoch"), Created: rapid.Int64().Draw(t, "created"),
			Seq: rapid.Uint64().Draw(t, "seq"), Time: rapid.Int64().Draw(t, "time"),
		}
		got, err := domain.ParseCheckpoint(want.String())
		if err != nil || got != want {
			t.Fatalf("%+v became %q, then %+v (%v)", want, want.String(), got, err)
		}
	})
}

func TestTheZeroCheckpointIsTheEmptyText(t *testing.T) {
	t.Parallel()
	if text := (domain.Checkpoint{}).String(); text != "" {
		t.Fatalf("%q", text)
	}
	if c, err := domain.ParseCheckpoint(""); err != nil || !c.IsZero() {
		t.Fatalf("%+v %v", c, err)
	}
	if (domain.Checkpoint{Time: 1}).IsZero() {
		t.Fatal("a checkpoint with a time is not zero")
	}
}

// Garbage must never be taken for "nothing folded yet".
func TestAnUnreadableCheckpointIsUnknown(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		" ", "1", "1 2 3", "1 2 3 4 5", "a 2 3 4", "-1 2 3 4", "1 2 -3 4", "1 2 3 x", "1  2 3", "1 2 3 4 ",
		"99999999999999999999 1 1 1", "1.5 1 1 1", "0x1 1 1 1", "\x00\x01",
	} {
		c, err := domain.ParseCheckpoint(text)
		if !errors.Is(err, domain.ErrUnknown) || !c.IsZero() {
			t.Errorf("%q: %+v %v", text, c, err)
		}
	}
}
