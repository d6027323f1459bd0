package compose

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/fullon/fullon/domain"
)

// redactValue does what domain.Redact does with a value that should be a URL, but need not be
// one: everything before the last @ may be secret.
func redactValue(value string) string {
	at := strings.LastIndexByte(value, '@')
	if at < 0 {
		return value
	}
	scheme, _, ok := strings.Cut(value, "://")
	if !ok || len(scheme) > at {
		return "xxxxx" + value[at:]
	}
	return scheme + "://xxxxx" + value[at:]
}

// redactAttr keeps credentials out of the log: servers' libraries put URLs into
// their errors.
func redactAttr(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(domain.Redact(a.Value.String()))
	case slog.KindAny:
		switch v := a.Value.Any().(type) {
		case error:
			a.Value = slog.StringValue(domain.Redact(v.Error()))
		case fmt.Stringer:
			a.Value = slog.StringValue(domain.Redact(v.String()))
		}
	}
	return a
}
