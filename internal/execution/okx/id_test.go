package okx

import (
	"crypto/rand"
	"encoding/base32"
	"strings"
	"testing"
)

func TestClientIDsAreWrittenAsTheVenueTakesThem(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"o1":                                   "o1",
		"o-1":                                  "oZd1",
		"grid_2-Z":                             "gridZu2ZdZZ",
		"Zd":                                   "ZZd",
		"0DU9QMO9G4RJQ5V2K8D6C1T7NO":           "0DU9QMO9G4RJQ5V2K8D6C1T7NO",
		"6d1b345e-2821-40e2-ad83-4ecb18a06876": "6d1b345e282140e2ad834ecb18a06876",
		"6D1B345E-2821-40E2-AD83-4ECB18A06876": "", // would come back in another case
		"6d1b345e2821-40e2-ad83-4ecb18a-06876": "", // would come back with its dashes elsewhere
		"6d1b345e282140e2ad834ecb18a06876":     "", // would come back with dashes
		strings.Repeat("a", 33):                "",
		strings.Repeat("-", 16):                strings.Repeat("Zd", 16),
		strings.Repeat("-", 17):                "",
		"":                                     "",
	} {
		got, ok := clientID(id)
		if ok != (want != "") || ok && (got != want || ourID(got) != id) {
			t.Errorf("%s: %q, %v, and back %q", id, got, ok, ourID(got))
		}
	}
	for range 1000 {
		var raw [16]byte
		_, _ = rand.Read(raw[:])
		id := base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(raw[:]) // as client.NewOrderID makes one
		if text, ok := clientID(id); !ok || text != id || ourID(text) != id {
			t.Fatalf("%s: %q, %v", id, text, ok)
		}
	}
}
