package compose

import (
	"testing"

	"github.com/fullon/fullon/internal/venue/venues"
)

// A venue that can be followed can be replaced by a local one.
func TestEveryVenueHasSettingsForItsHosts(t *testing.T) {
	t.Parallel()
	var hosts VenueHosts
	seen := map[*Hosts]bool{}
	for _, name := range venues.Names() {
		h := hosts.of(name)
		if h == nil || seen[h] {
			t.Errorf("%s has no hosts of its own", name)
		}
		seen[h] = true
		var v Venue
		if err := v.UnmarshalText([]byte(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		f := Feeds{Venue: v}
		if err := f.fill(); err != nil || len(f.Symbols) == 0 {
			t.Errorf("%s: symbols %v, %v", name, f.Symbols, err)
		}
		if a, err := f.adapter(nil); err != nil || a.Exchange() != name {
			t.Errorf("%s: adapter %v, %v", name, a, err)
		}
	}
}
