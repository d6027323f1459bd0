package gateway

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/fullon/fullon/domain"
)

// area is what operations are about: a part of the scopes, read:orders.
type area string

const (
	market    area = "market"
	accounts  area = "accounts"
	orders    area = "orders"
	bots      area = "bots"
	processes area = "processes"
	anything  area = "" // asks for no scope
)

// kind is how an operation is dealt with.
type kind int

const (
	reads  kind = iota // concurrently with others
	writes             // those of a connection one after the other, in the order in which they came
	waits              // writes, but may take its time
	stream
)

// operation is one verb.
type operation struct {
	name    string
	aliases []string // further names
	topic   string   // of /ws/<topic>/<connection id>; empty: only / and /ws have it
	area    area
	kind    kind
	about   string // for people

	params, result reflect.Type // structs

	call  func(context.Context, *request) (any, error)
	open  func(context.Context, *request) (*opening, error) // of a stream
	sends []message                                         // what a stream sends
}

// message is what a stream may send.
type message struct {
	name string
	view reflect.Type
}

// opening is a stream that is about to begin.
type opening struct {
	sources []source
	topics  []string
	match   func(*update) bool
	after   uint64    // resume behind this sequence; zero: from the snapshot
	last    int       // how many of a source that keeps some come first
	missed  []*update // what comes in front of the snapshot
	maxRate float64
}

// subject is implemented by parameters that are about an account or a bot: a
// token may be for some of them only.
type subject interface{ subject() (account, bot string) }

// checked is implemented by parameters that have rules of their own.
type checked interface{ check() error }

// define makes an operation of a function.
func define[P, R any](op operation, call func(context.Context, *request, *P) (R, error)) operation {
	op.params, op.result = reflect.TypeFor[P](), reflect.TypeFor[R]()
	op.call = func(ctx context.Context, r *request) (any, error) {
		params, err := paramsOf[P](r)
		if err != nil {
			return nil, err
		}
		return call(ctx, r, params)
	}
	return op
}

// defineStream makes a stream of a function that says what it is to watch.
func defineStream[P any](op operation, sends []message, open func(context.Context, *request, *P) (*opening, error)) operation {
	op.kind, op.params, op.result, op.sends = stream, reflect.TypeFor[P](), reflect.TypeFor[Subscribed](), sends
	op.open = func(ctx context.Context, r *request) (*opening, error) {
		params, err := paramsOf[P](r)
		if err != nil {
			return nil, err
		}
		return open(ctx, r, params)
	}
	return op
}

// sent is a message of a stream.
func sent[V any](name string) message { return message{name, reflect.TypeFor[V]()} }

// paramsOf decodes what a request has, and holds it to the rules and to what the
// token is for.
func paramsOf[P any](r *request) (*P, error) {
	params := new(P)
	if len(r.params) > 0 {
		if err := r.codec.decode(r.params, params, r.dialect.strict()); err != nil {
			return nil, asInvalid(err)
		}
	}
	if err := required(reflect.ValueOf(params).Elem()); err != nil {
		return nil, err
	}
	if c, ok := any(params).(checked); ok {
		if err := c.check(); err != nil {
			return nil, err
		}
	}
	if s, ok := any(params).(subject); ok {
		account, bot := s.subject()
		if err := r.rights.about(account, bot); err != nil {
			return nil, err
		}
	}
	return params, nil
}

// asInvalid makes every error of decoding one of the caller's.
func asInvalid(err error) error {
	if codeOf(err) == CodeInvalidParams {
		return err
	}
	return fail(CodeInvalidParams, "params: "+domain.Shorten(err.Error(), 200))
}

// required looks for fields marked so that are zero.
func required(v reflect.Value) error {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Anonymous {
			if err := required(v.Field(i)); err != nil {
				return err
			}
			continue
		}
		if field.Tag.Get("need") != "" && v.Field(i).IsZero() {
			return domain.Invalid(fieldName(field), "", "a value: it is required")
		}
	}
	return nil
}

func fieldName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// scope is what a token must have.
func (o *operation) scope() string {
	if o.kind == writes || o.kind == waits {
		return "write:" + string(o.area)
	}
	return "read:" + string(o.area)
}

// table finds operations by name.
type table struct {
	all     []*operation
	byName  map[string]*operation
	byTopic map[string]map[string]*operation
}

func newTable(groups ...[]operation) *table {
	t := &table{byName: make(map[string]*operation), byTopic: make(map[string]map[string]*operation)}
	for _, group := range groups {
		for i := range group {
			op := &group[i]
			t.all = append(t.all, op)
			for _, name := range append([]string{op.name}, op.aliases...) {
				if t.byName[name] != nil {
					panic("two operations are called " + name) // the table is part of the program
				}
				t.byName[name] = op
				if op.topic == "" {
					continue
				}
				if t.byTopic[op.topic] == nil {
					t.byTopic[op.topic] = make(map[string]*operation)
				}
				t.byTopic[op.topic][name] = op
			}
		}
	}
	slices.SortFunc(t.all, func(a, b *operation) int { return strings.Compare(a.name, b.name) })
	return t
}

// find is the operation of a name; topic is empty for all.
func (t *table) find(topic, name string) (*operation, error) {
	names := t.byName
	if topic != "" {
		names = t.byTopic[topic]
	}
	if op := names[name]; op != nil {
		return op, nil
	}
	if topic != "" {
		return nil, fail(CodeInvalidOperation, fmt.Sprintf("%q is no action of %s", domain.Shorten(name, 64), topic))
	}
	return nil, fail(CodeInvalidOperation, fmt.Sprintf("%q is no operation; list_operations lists them", domain.Shorten(name, 64)))
}
