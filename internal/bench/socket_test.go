package bench

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
)

// socket is a WebSocket client (RFC 6455) that costs next to nothing, so that
// what is measured is the server: no masking worth the name, no compression,
// one small buffer.
type socket struct {
	conn net.Conn
	in   *bufio.Reader
}

func dialSocket(b *testing.B, address, path string) *socket {
	b.Helper()
	conn, err := net.Dial("tcp", address)
	must(b, err)
	b.Cleanup(func() { _ = conn.Close() })
	s := &socket{conn, bufio.NewReaderSize(conn, 512)}
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", path, address)
	must(b, err)
	answer, err := http.ReadResponse(s.in, nil)
	must(b, err)
	if answer.StatusCode != http.StatusSwitchingProtocols {
		b.Fatal(answer.Status)
	}
	return s
}

// send sends a text frame, masked with zeros.
func (s *socket) send(text string) error {
	frame := []byte{0x81, 0x80 | 126, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(frame[2:], uint16(len(text)))
	_, err := s.conn.Write(append(frame, text...))
	return err
}

// read reads the next message; it is overwritten by the one after.
func (s *socket) read(into []byte) ([]byte, error) {
	for {
		var head [4]byte
		if _, err := io.ReadFull(s.in, head[:2]); err != nil {
			return nil, err
		}
		length := int(head[1] & 0x7f)
		if length == 126 {
			if _, err := io.ReadFull(s.in, head[2:]); err != nil {
				return nil, err
			}
			length = int(binary.BigEndian.Uint16(head[2:]))
		}
		if length == 127 || length > cap(into) {
			return nil, fmt.Errorf("a frame of more than %d bytes", cap(into))
		}
		if _, err := io.ReadFull(s.in, into[:length]); err != nil {
			return nil, err
		}
		if head[0]&0x0f == 1 { // text; pings are not answered in the time that this takes
			return into[:length], nil
		}
	}
}
