package compose

import (
	"io"
	"log/slog"
)

// Logger makes the logger that the settings ask for. Credentials in URLs are
// left out of what it writes.
func (l Logging) Logger(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: l.Level.level(), ReplaceAttr: redactAttr}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
