package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/fullon/fullon/domain"
)

// Access says who may do what.
type Access struct {
	// Tokens are the static ones.
	Tokens []Token
	// JWTKey verifies tokens that others issue: HS256 with a secret of at least 32
	// bytes, or, with a public key in PEM, RS256, ES256 or EdDSA as that key is.
	// Empty: none are taken. They must have exp, and have what Token has as scope
	// (separated by spaces), accounts and bots, and sub for its name.
	JWTKey []byte
	// Public are the scopes of who has no token. Default: DefaultPublic. To let
	// nobody in without one: an empty list that is not nil.
	Public []string
	// Origins are the hosts of pages, besides our own, whose scripts may connect.
	// They may have *.
	Origins []string
}

// DefaultPublic is everything that is read. Nothing is written without a token.
var DefaultPublic = []string{"read:*"}

// Token is a static token.
type Token struct {
	Name     string   `json:"name"` // for logs and limits
	Secret   string   `json:"token"`
	Scopes   []string `json:"scopes"`   // read:market, write:orders, write:*, *
	Accounts []string `json:"accounts"` // it is for; empty: all
	Bots     []string `json:"bots"`     // it is for; empty: all
}

// Scopes that there are.
var areas = []area{market, accounts, orders, bots, processes}

// minSecret is how long a secret must be at least.
const minSecret = 16

// Validate tells what is wrong. The error is a *domain.FieldError, and never has
// a secret in it.
func (a Access) Validate() error {
	for _, t := range a.Tokens {
		if t.Name == "" {
			return domain.Invalid("name", "", "a name for each token")
		}
		if len(t.Secret) < minSecret {
			return domain.Invalid("token of "+t.Name, fmt.Sprintf("%d characters", len(t.Secret)), "at least 16 characters")
		}
		if len(t.Scopes) == 0 {
			return domain.Invalid("scopes of "+t.Name, "", allowedScopes())
		}
		if err := checkScopes("scopes of "+t.Name, t.Scopes); err != nil {
			return err
		}
	}
	if _, err := jwtKey(a.JWTKey); len(a.JWTKey) > 0 && err != nil {
		return err
	}
	return checkScopes("public", a.Public)
}

func checkScopes(field string, scopes []string) error {
	for _, s := range scopes {
		verb, about, ok := strings.Cut(s, ":")
		known := about == "*" || slices.Contains(areas, area(about))
		if s != "*" && (!ok || !known || verb != "read" && verb != "write") {
			return domain.Invalid(field, s, allowedScopes())
		}
	}
	return nil
}

func allowedScopes() string {
	return "*, or read: or write: and market, accounts, orders, bots, processes or *"
}

// rights is what a connection may do.
type rights struct {
	name     string // of the token; empty: there is none
	scopes   []string
	accounts []string
	bots     []string
	expires  time.Time // zero: never
}

// allow tells why a scope is not held.
func (r *rights) allow(scope string, now time.Time) error {
	if !r.expires.IsZero() && !now.Before(r.expires) {
		return fail(CodeExpired, "the token has expired")
	}
	verb, _, _ := strings.Cut(scope, ":")
	if slices.Contains(r.scopes, scope) || slices.Contains(r.scopes, verb+":*") || slices.Contains(r.scopes, "*") {
		return nil
	}
	if r.name == "" {
		return fail(CodeUnauthorized, "this needs a token with "+scope)
	}
	return fail(CodeForbidden, "the token does not have "+scope)
}

// about tells why the token is not for an account or a bot. A token for some
// accounts is not for operations that are about all.
func (r *rights) about(account, bot string) error {
	if len(r.accounts) > 0 && account != notAbout && !slices.Contains(r.accounts, account) {
		return fail(CodeForbidden, "the token is for the accounts "+strings.Join(r.accounts, ", "))
	}
	if len(r.bots) > 0 && bot != notAbout && !slices.Contains(r.bots, bot) {
		return fail(CodeForbidden, "the token is for the bots "+strings.Join(r.bots, ", "))
	}
	return nil
}

// notAbout stands for an account or a bot in operations that are not about any.
const notAbout = "\x00"

// gate knows the tokens.
type gate struct {
	tokens []hashed
	key    any // of JWTs; nil: none are taken
	public rights
}

// hashed is a token whose secret only its digest is kept of, so that comparing
// takes the same time whatever it is.
type hashed struct {
	digest [sha256.Size]byte
	rights rights
}

func newGate(a Access) (*gate, error) {
	if err := a.Validate(); err != nil {
		return nil, err
	}
	if a.Public == nil {
		a.Public = DefaultPublic
	}
	g := &gate{public: rights{scopes: a.Public}}
	for _, t := range a.Tokens {
		g.tokens = append(g.tokens, hashed{sha256.Sum256([]byte(t.Secret)), rights{name: t.Name, scopes: t.Scopes, accounts: t.Accounts, bots: t.Bots}})
	}
	if len(a.JWTKey) > 0 {
		g.key, _ = jwtKey(a.JWTKey) // Validate has looked
	}
	return g, nil
}

// rightsOf are those of a token; an empty one has the public ones.
func (g *gate) rightsOf(token string) (*rights, error) {
	if token == "" {
		return &g.public, nil
	}
	digest := sha256.Sum256([]byte(token))
	for i := range g.tokens {
		if subtle.ConstantTimeCompare(digest[:], g.tokens[i].digest[:]) == 1 {
			return &g.tokens[i].rights, nil
		}
	}
	if g.key != nil {
		return g.issued(token)
	}
	return nil, fail(CodeUnauthorized, "the token is not known")
}

// claims is what an issued token says.
type claims struct {
	jwt.RegisteredClaims
	Scope    string   `json:"scope"`
	Accounts []string `json:"accounts"`
	Bots     []string `json:"bots"`
}

// issued reads a JSON Web Token (RFC 7519).
func (g *gate) issued(token string) (*rights, error) {
	var c claims
	_, err := jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return g.key, nil },
		jwt.WithValidMethods(methodsOf(g.key)), jwt.WithExpirationRequired())
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return nil, fail(CodeExpired, "the token has expired")
	case err != nil:
		return nil, fail(CodeUnauthorized, "the token does not hold")
	}
	scopes := strings.Fields(c.Scope)
	if err := checkScopes("scope", scopes); err != nil {
		return nil, fail(CodeUnauthorized, "the token's "+err.Error())
	}
	return &rights{name: "jwt:" + c.Subject, scopes: scopes, accounts: c.Accounts, bots: c.Bots, expires: c.ExpiresAt.Time}, nil
}

// jwtKey reads a key.
func jwtKey(raw []byte) (any, error) {
	if strings.Contains(string(raw), "-----BEGIN") {
		if key, err := jwt.ParseRSAPublicKeyFromPEM(raw); err == nil {
			return key, nil
		}
		if key, err := jwt.ParseECPublicKeyFromPEM(raw); err == nil {
			return key, nil
		}
		if key, err := jwt.ParseEdPublicKeyFromPEM(raw); err == nil {
			return key, nil
		}
		return nil, domain.Invalid("jwt key", "PEM", "a public key: RSA, ECDSA or Ed25519")
	}
	if len(raw) < 32 {
		return nil, domain.Invalid("jwt key", fmt.Sprintf("%d bytes", len(raw)), "a secret of at least 32 bytes, or a public key in PEM")
	}
	return raw, nil
}

// methodsOf are the ways of signing that go with a key. A token must not choose
// another one.
func methodsOf(key any) []string {
	switch fmt.Sprintf("%T", key) {
	case "*rsa.PublicKey":
		return []string{"RS256", "PS256"}
	case "*ecdsa.PublicKey":
		return []string{"ES256"}
	case "ed25519.PublicKey":
		return []string{"EdDSA"}
	}
	return []string{"HS256"}
}
