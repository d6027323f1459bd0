package replay

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// lap is how far numbers move from one lap of a looped replay to the next: so far
// that the next lap goes on where the last one ended. Trade ids without holes stay
// without holes.
type lap struct {
	dialect dialect
	time    time.Duration // whole minutes, so that bars stay bars
	takes   time.Duration // from its first frame to the next lap's, in real time
	markets map[string]*numbers
}

// numbers are those of one market.
type numbers struct{ trades, updates span }

// span is the lowest and the highest number.
type span struct{ low, high int64 }

func (s *span) add(n int64) {
	if s.high == 0 {
		s.low = n
	}
	s.low, s.high = min(s.low, n), max(s.high, n)
}

// length is zero when there are no numbers.
func (s *span) length() int64 {
	if s.high == 0 {
		return 0
	}
	return s.high - s.low + 1
}

// measure reads the recordings for what a lap is.
func measure(paths []string, d dialect) (l lap, err error) {
	l = lap{dialect: d, markets: make(map[string]*numbers)}
	var recorded, times span // ns
	err = eachFrame(paths, d, nil, func(f frame) (bool, error) {
		recorded.add(f.at)
		times.add(f.at)
		m := l.markets[f.market]
		if m == nil {
			m = &numbers{}
			l.markets[f.market] = m
		}
		for _, t := range f.trades {
			m.trades.add(t.number)
		}
		for _, field := range l.fields(f) {
			switch n := number(field.text); field.means {
			case aTime:
				if at, ok := instant(field.text); ok {
					times.add(at)
				}
			case aTrade:
				if n > 0 {
					m.trades.add(n)
				}
			case anUpdate:
				if n > 0 {
					m.updates.add(n)
				}
			}
		}
		return true, nil
	})
	l.takes = time.Duration(recorded.length())
	l.time = time.Duration(math.Ceil(float64(times.length())/float64(time.Minute))) * time.Minute
	return l, err
}

// shifted is the frame as it is played in a lap; lap 0 is the recording.
func (l lap) shifted(f frame, n int64) frame {
	m := l.markets[f.market]
	if n == 0 {
		return f
	}
	ahead, trades, updates := time.Duration(n)*l.time, n*m.trades.length(), n*m.updates.length()
	text := make([]byte, 0, len(f.text)+8)
	done := 0
	for _, field := range l.fields(f) {
		text = append(text, f.text[done:field.from]...)
		switch field.means {
		case aTime:
			text = append(text, laterTime(field.text, ahead)...)
		case aTrade:
			text = append(text, laterID(field.text, trades)...)
		case anUpdate:
			text = append(text, laterID(field.text, updates)...)
		}
		done = field.to
	}
	f.text = append(text, f.text[done:]...)
	f.at += n * int64(l.takes)
	shifted := make([]trade, len(f.trades))
	for i, t := range f.trades {
		t.number, t.id, t.at = t.number+trades, laterID(t.id, trades), t.at+int64(ahead)
		shifted[i] = t
	}
	f.trades = shifted
	return f
}

// meaning is what a field of a frame counts.
type meaning uint8

const (
	anything meaning = iota
	aTime            // unix seconds, ms, us or ns, or RFC 3339
	aTrade           // the number or the UUID of a trade
	anUpdate         // the number of a change of the book
)

// field is one in the text of a frame.
type field struct {
	means    meaning
	text     string
	from, to int // where in the frame's text
}

// named finds the fields that are numbers or texts, and the first ones in lists.
var named = regexp.MustCompile(`"([A-Za-z_]+)"\s*:\s*\[*"?([0-9A-Za-z][^",\]}\s]*)`)

// fields are those of a frame that count on from lap to lap.
func (l lap) fields(f frame) (out []field) {
	for _, at := range named.FindAllSubmatchIndex(f.text, -1) {
		means := l.dialect.means(f, string(f.text[at[2]:at[3]]))
		text := string(f.text[at[4]:at[5]])
		if _, isTime := instant(text); means != anything && text != "0" && (means != aTime || isTime) {
			out = append(out, field{means, text, at[4], at[5]})
		}
	}
	return out
}

// number is zero for what is none, or not above zero.
func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return max(0, n)
}

// unit is what a time is counted in that has so many digits: nowadays.
func unit(digits int) time.Duration {
	switch {
	case digits >= 18:
		return time.Nanosecond
	case digits >= 15:
		return time.Microsecond
	case digits >= 12:
		return time.Millisecond
	}
	return time.Second
}

// instant is a time in unix nanoseconds.
func instant(text string) (at int64, ok bool) {
	if n := number(text); n > 0 {
		return n * int64(unit(len(text))), true
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	return t.UnixNano(), err == nil
}

// laterTime is a time in the form that it had.
func laterTime(text string, by time.Duration) string {
	if n := number(text); n > 0 {
		return strconv.FormatInt(n+int64(by/unit(len(text))), 10)
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return text
	}
	layout := "2006-01-02T15:04:05"
	if _, fraction, ok := strings.Cut(text, "."); ok {
		digits := len(fraction) - len(strings.TrimLeft(fraction, "0123456789"))
		layout += "." + strings.Repeat("0", digits)
	}
	return t.Add(by).Format(layout + "Z07:00")
}

// uuidTail is the last part of a UUID.
const uuidTail = 12

// laterID is the number that is so much higher; of a UUID, one whose last part is.
func laterID(id string, by int64) string {
	if n := number(id); n > 0 {
		return strconv.FormatInt(n+by, 10)
	}
	if len(id) > uuidTail {
		head := id[:len(id)-uuidTail]
		if tail, err := strconv.ParseInt(id[len(head):], 16, 64); err == nil {
			return fmt.Sprintf("%s%0*x", head, uuidTail, (tail+by)&(1<<(4*uuidTail)-1))
		}
	}
	return fmt.Sprintf("%s+%d", id, by)
}
