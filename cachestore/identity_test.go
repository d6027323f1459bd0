package cachestore_test

import (
	"testing"

	"github.com/fullon/fullon/internal/testserver"
)

func TestAllWhoUseARedisKnowItByTheSameName(t *testing.T) {
	t.Parallel()
	store, _, wipe := testserver.OwnStore(t)
	ctx := t.Context()
	if id, err := store.FindIdentity(ctx); id != "" || err != nil {
		t.Fatalf("%q, %v", id, err)
	}
	id, err := store.Identity(ctx, "")
	if err != nil || id == "" {
		t.Fatalf("%q, %v", id, err)
	}
	for _, known := range []string{"", id, "another"} {
		if again, err := store.Identity(ctx, known); again != id || err != nil {
			t.Fatalf("%q became %q (%v)", id, again, err)
		}
	}
	wipe()
	if again, err := store.Identity(ctx, id); again != id || err != nil {
		t.Fatalf("after a wipe %q became %q (%v)", id, again, err)
	}
	if found, err := store.FindIdentity(ctx); found != id || err != nil {
		t.Fatalf("%q, want %q (%v)", found, id, err)
	}
	if other, err := testserver.SharedStore(t).Identity(ctx, ""); other == id || err != nil {
		t.Fatalf("another Redis is %q, too (%v)", other, err)
	}
}
