package bus

import (
	"crypto/tls"
	"fmt"
	"os"

	"github.com/nats-io/nats.go"

	"github.com/fullon/fullon/domain"
)

// Login says as whom a process connects, and how the connection is secured. At
// most one of the four ways may be set; none is for servers without users, or
// for a URL that has the user in it. Files are read anew at each connection, so
// that what is in them may be replaced.
type Login struct {
	// User with a Password.
	User     string
	Password string
	// Token that all clients of the servers share.
	Token string
	// NKeyFile has the seed of a user's nkey.
	NKeyFile string
	// CredsFile has the JWT and the seed of a user.
	CredsFile string
	// TLS to use. Nil: none but with a tls:// URL, and then the system's CAs.
	TLS *tls.Config
}

// options are for the client library. The error matches domain.ErrInvalid.
func (l Login) options() ([]nats.Option, error) {
	var options []nats.Option
	if l.User != "" {
		options = append(options, nats.UserInfo(l.User, l.Password))
	}
	if l.Token != "" {
		options = append(options, nats.Token(l.Token))
	}
	if l.NKeyFile != "" {
		nkey, err := nats.NkeyOptionFromSeed(l.NKeyFile)
		if err != nil {
			// The library's own words may quote the file.
			return nil, domain.Invalid("nkey file", l.NKeyFile, "a file with the seed of a user's nkey")
		}
		options = append(options, nkey)
	}
	if l.CredsFile != "" {
		if _, err := os.ReadFile(l.CredsFile); err != nil {
			return nil, domain.Invalid("credentials file", l.CredsFile, "a file that this user may read")
		}
		options = append(options, nats.UserCredentials(l.CredsFile))
	}
	if len(options) > 1 {
		return nil, domain.Invalid("login", fmt.Sprintf("%d ways", len(options)), "one of user, token, nkey and credentials")
	}
	if l.TLS != nil {
		options = append(options, nats.Secure(l.TLS))
	}
	return options, nil
}
