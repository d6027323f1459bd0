package coinbase

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/private"
)

const (
	// mostToken is how long a token may be good.
	mostToken = 2 * time.Minute
	// leastToken is how long that of an order must be good to be worth sending.
	leastToken = time.Second
)

var errSoon = errors.New("its deadline is nearer than a token can say, and it was not sent")

// readSecret reads an EC private key; its line breaks may be written as \n, as
// the venue's file of a key has them.
func readSecret(text string) (*ecdsa.PrivateKey, error) {
	key, err := jwt.ParseECPrivateKeyFromPEM([]byte(strings.ReplaceAll(text, `\n`, "\n")))
	if err != nil || key.Curve != elliptic.P256() {
		return nil, domain.Invalid("secret", "", "the EC private key (P-256) as Coinbase shows it, in PEM; Ed25519 keys are not taken")
	}
	return key, nil
}

// sign makes a request one of the account. One that has a deadline has a token
// that ends no later.
func (a *api) sign(r *private.Request, now, until time.Time, deadline bool) error {
	end := now.Add(mostToken)
	if deadline && until.Before(end) {
		end = until
	}
	end = end.Truncate(time.Second)
	_, within := a.Clock.At(time.Now())
	if deadline && end.Sub(now) < leastToken+within {
		return errSoon
	}
	token, err := a.token(r.Method+" "+a.host+r.Path, now, end)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return nil
}

// token makes a token for one request, or for one message of the stream, which
// has no uri.
func (a *api) token(uri string, now, end time.Time) (string, error) {
	claims := jwt.MapClaims{"iss": "cdp", "sub": a.Cfg.Key, "nbf": now.Unix(), "exp": end.Unix()}
	if uri != "" {
		claims["uri"] = uri
	}
	token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	token.Header["kid"], token.Header["nonce"] = a.Cfg.Key, rand.Text()
	return token.SignedString(a.secret)
}
