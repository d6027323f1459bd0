package gateway

import (
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

// request is one message of a client.
type request struct {
	conn     *conn
	codec    codec
	dialect  dialect
	rights   *rights
	received time.Time
	id       encoded // as it came, whatever it is; empty: none
	name     string  // of the operation, as it came
	params   []byte  // encoded; empty: none
}

// client is the handle of the deployment.
func (r *request) client() *client.Client { return r.conn.server.client }

// maxRequestID bounds a request id, which comes with every message of a stream.
const maxRequestID = 256

// readRequest reads a message. With an error the request is good enough to be
// answered.
func readRequest(c *conn, t websocket.MessageType, data []byte) (*request, error) {
	r := &request{conn: c, codec: codecOf(t), dialect: c.dialect, rights: c.rights.Load(), received: time.Now()}
	if t == websocket.MessageText && !utf8.Valid(data) {
		return r, fail(CodeMalformed, "the text is not UTF-8")
	}
	fields, err := r.codec.object(data)
	if err != nil {
		return r, fail(CodeMalformed, domain.Shorten(err.Error(), 200))
	}
	if id := fields["request_id"]; len(id) <= maxRequestID {
		r.id = id
	} else {
		return r, domain.Invalid("request_id", string(id[:32]), "at most 256 bytes")
	}
	verb, ok := fields[c.dialect.verb()]
	if !ok {
		return r, fail(CodeInvalidOperation, c.dialect.verb()+" is required")
	}
	if r.name, err = r.codec.text(verb); err != nil {
		return r, fail(CodeInvalidOperation, c.dialect.verb()+" is a text")
	}
	r.params = fields["params"]
	return r, nil
}
