package bus

import (
	"testing"
	"time"
)

func TestReplySubjectsTellOriginAndPlace(t *testing.T) {
	t.Parallel()
	for reply, want := range map[string]string{
		"$JS.ACK.TICKS_1.name.1.2076.17.1723161255343000001.17":                  "$JS.ACK.TICKS_1.name.",
		"$JS.ACK.hub.acc.TICKS_1.name.1.2076.17.1723161255343000001.17":          "$JS.ACK.hub.acc.TICKS_1.name.",
		"$JS.ACK._.acc.TICKS_1.name.1.2076.17.1723161255343000001.17.K3jVrRXUfo": "$JS.ACK._.acc.TICKS_1.name.",
	} {
		got := origin(reply)
		if got != want {
			t.Errorf("%s: origin %q", reply, got)
			continue
		}
		p, ok := placeOf(reply[len(got):])
		if !ok || p.seq != 2076 || p.serial != 17 || !p.at.Equal(time.Unix(0, 1723161255343000001)) {
			t.Errorf("%s: %+v %v", reply, p, ok)
		}
	}
	for _, bad := range []string{"", "a.b", "_INBOX.abc.def", "$JS.ACK.a.b.c.d.e.f.g.h"} {
		if got := origin(bad); got != "" {
			t.Errorf("%q: origin %q", bad, got)
		}
	}
	for _, bad := range []string{"", "1.2.3", "1.x.3.4.5", "1..3.4.5", "1.0.3.4.5", "1.99999999999999999999.3.4.5"} {
		if _, ok := placeOf(bad); ok {
			t.Errorf("%q is no place", bad)
		}
	}
}
