package coinbase_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"sync"
	"time"
)

const key = "organizations/theOrganization/apiKeys/theKeyTheKey"

var signer, secret = newSecret()

func newSecret() (*ecdsa.PrivateKey, string) {
	made, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader) // no error
	der, _ := x509.MarshalECPrivateKey(made)                   // of a good key
	return made, string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
}

// gate is the venue's check of tokens. Each may be used once.
type gate struct {
	mu     sync.Mutex
	nonces map[string]bool
	shut   int // tokens that are refused although they are good
}

// refuse refuses the next good tokens.
func (g *gate) refuse(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = n
}

// check tells what is wrong with a token for a request, or for a message, which
// has no uri.
func (g *gate) check(token, uri string, now time.Time) error {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return errors.New("no token")
	}
	var header struct{ Alg, Typ, Kid, Nonce string }
	var claims struct {
		Iss, Sub, URI string
		Nbf, Exp      int64
	}
	for i, to := range []any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(text, to) != nil {
			return errors.New("a token of another form")
		}
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(signature) != 64 {
		return errors.New("no signature")
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	good := ecdsa.Verify(&signer.PublicKey, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case !good || header.Alg != "ES256" || header.Typ != "JWT":
		return errors.New("the signature is not good")
	case header.Kid != key || claims.Sub != key || claims.Iss != "cdp":
		return errors.New("the key is not known")
	case claims.URI != uri:
		return errors.New("the token is for something else")
	case now.Unix() < claims.Nbf || !now.Before(time.Unix(claims.Exp, 0)) || claims.Exp-claims.Nbf > 120:
		return errors.New("the token is not good now")
	case header.Nonce == "" || g.nonces[header.Nonce]:
		return errors.New("the token was used before")
	case g.shut > 0:
		g.shut--
		return errors.New("not now")
	}
	g.nonces[header.Nonce] = true
	return nil
}
