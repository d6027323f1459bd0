package board

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// What a terminal is told.
const (
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
	clearAll   = "\x1b[2J\x1b[H"
	clearLine  = "\x1b[K"
	clearBelow = "\x1b[J"
)

// draw draws the table in place until ctx ends. Each picture is one write over
// the one before it, so that nothing flickers.
func (b *Board) draw(ctx context.Context) {
	b.print(hideCursor)
	// The Ctrl-C that ended it may stand on the line below the table.
	defer b.print("\r" + clearLine + showCursor)
	ticker := time.NewTicker(redraw)
	defer ticker.Stop()
	var drawn, width, height int
	for now := time.Now(); ; {
		var frame strings.Builder
		w, h := b.cfg.Size()
		switch {
		case drawn > 0 && (w != width || h != height):
			frame.WriteString(clearAll) // the terminal has wrapped what was there
		case drawn > 0:
			fmt.Fprintf(&frame, "\x1b[%dA", drawn) // back to the first line
		}
		width, height = w, h
		lines := b.picture(now, width, height-1) // the last line is the cursor's
		for _, line := range lines {
			frame.WriteString("\r" + clearLine + line + "\r\n")
		}
		frame.WriteString(clearBelow)
		b.print(frame.String())
		drawn = len(lines)
		select {
		case <-ctx.Done():
			return
		case now = <-ticker.C:
		}
	}
}
