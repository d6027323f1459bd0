package compose

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// secured starts a nats-server in this process.
func secured(t *testing.T, o *server.Options) string {
	t.Helper()
	o.Host, o.Port, o.NoSigs, o.JetStream, o.StoreDir = "127.0.0.1", server.RANDOM_PORT, true, true, t.TempDir()
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(giveUp) {
		t.Fatal("nats-server does not start")
	}
	return s.ClientURL()
}

// reaches tells whether a process with these settings reaches the log.
func reaches(t *testing.T, servers Servers) error {
	t.Helper()
	if err := servers.Validate(); err != nil {
		t.Fatalf("%+v: %v", servers.NATSLogin, err)
	}
	cfg := servers.Log()
	cfg.Log, cfg.Timeout = testserver.Quiet(), 2*time.Second
	b, err := bus.Connect(t.Context(), cfg)
	if err != nil {
		return err
	}
	defer b.Close()
	_, err = b.Ping(t.Context())
	return err
}

func file(t *testing.T, body []byte) SecretFile {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return SecretFile(path)
}

func made(t *testing.T, make func() (nkeys.KeyPair, error)) (pair nkeys.KeyPair, public string, seed []byte) {
	t.Helper()
	pair, err := make()
	if err != nil {
		t.Fatal(err)
	}
	if public, err = pair.PublicKey(); err != nil {
		t.Fatal(err)
	}
	if seed, err = pair.Seed(); err != nil {
		t.Fatal(err)
	}
	return pair, public, seed
}

// withJWTs starts a server that takes what an operator has signed, and returns a
// user's credentials.
func withJWTs(t *testing.T) (url string, creds []byte) {
	t.Helper()
	operator, operatorKey, _ := made(t, nkeys.CreateOperator)
	account, accountKey, _ := made(t, nkeys.CreateAccount)
	_, systemKey, _ := made(t, nkeys.CreateAccount)
	_, userKey, seed := made(t, nkeys.CreateUser)
	signed := func(c jwt.Claims, by nkeys.KeyPair) string {
		text, err := c.Encode(by)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	claims := jwt.NewAccountClaims(accountKey)
	claims.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: -1, DiskStorage: -1, Streams: -1, Consumer: -1}
	resolver := &server.MemAccResolver{}
	for key, c := range map[string]string{
		accountKey: signed(claims, operator), systemKey: signed(jwt.NewAccountClaims(systemKey), operator),
	} {
		if err := resolver.Store(key, c); err != nil {
			t.Fatal(err)
		}
	}
	trusted := jwt.NewOperatorClaims(operatorKey)
	trusted.SystemAccount = systemKey
	operatorClaims, err := jwt.DecodeOperatorClaims(signed(trusted, operator))
	if err != nil {
		t.Fatal(err)
	}
	url = secured(t, &server.Options{TrustedOperators: []*jwt.OperatorClaims{operatorClaims}, AccountResolver: resolver, SystemAccount: systemKey})
	creds, err = jwt.FormatUserConfig(signed(jwt.NewUserClaims(userKey), account), seed)
	if err != nil {
		t.Fatal(err)
	}
	return url, creds
}

func TestEachWayToLogInToTheLog(t *testing.T) {
	t.Parallel()
	_, public, seed := made(t, nkeys.CreateUser)
	_, _, otherSeed := made(t, nkeys.CreateUser)
	jwtURL, creds := withJWTs(t)
	_, otherCreds := withJWTs(t)
	user := secured(t, &server.Options{Username: "bot", Password: secret})
	for name, c := range map[string]struct {
		url          string
		right, wrong NATSLogin
	}{
		"user":        {user, NATSLogin{NATSUser: "bot", NATSPassword: secret}, NATSLogin{NATSUser: "bot", NATSPassword: "wrong"}},
		"token":       {secured(t, &server.Options{Authorization: secret}), NATSLogin{NATSToken: secret}, NATSLogin{NATSToken: "wrong"}},
		"nkey":        {secured(t, &server.Options{Nkeys: []*server.NkeyUser{{Nkey: public}}}), NATSLogin{NATSNKeyFile: file(t, seed)}, NATSLogin{NATSNKeyFile: file(t, otherSeed)}},
		"credentials": {jwtURL, NATSLogin{NATSCredsFile: file(t, creds)}, NATSLogin{NATSCredsFile: file(t, otherCreds)}},
	} {
		if err := reaches(t, Servers{NATSURL: NATSURL(c.url), NATSLogin: c.right}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for what, login := range map[string]NATSLogin{"none": {}, "a wrong one": c.wrong} {
			err := reaches(t, Servers{NATSURL: NATSURL(c.url), NATSLogin: login})
			if !errors.Is(err, domain.ErrUnreachable) || !strings.Contains(strings.ToLower(fmt.Sprint(err)), "auth") || strings.Contains(err.Error(), secret) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
	for what, login := range map[string]NATSLogin{"nkey": {NATSNKeyFile: file(t, []byte(secret))}, "credentials": {NATSCredsFile: file(t, []byte(secret))}} {
		if err := reaches(t, Servers{NATSURL: NATSURL(user), NATSLogin: login}); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s that are none: %v", what, err)
		}
	}
}

func TestTheLogOverTLS(t *testing.T) {
	t.Parallel()
	files := testserver.NewCertificates(t)
	cert, err := tls.LoadX509KeyPair(files.ServerCert, files.ServerKey)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := CAFile(files.CA).pool()
	if err != nil {
		t.Fatal(err)
	}
	url := secured(t, &server.Options{TLS: true, TLSVerify: true, TLSTimeout: 5, TLSConfig: &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
	}})
	right := NATSLogin{NATSTLSCA: CAFile(files.CA), NATSTLSCert: SecretFile(files.ClientCert), NATSTLSKey: SecretFile(files.ClientKey)}
	named, misnamed, mistrusted, nameless := right, right, right, right
	named.NATSTLSServerName, misnamed.NATSTLSServerName = testserver.ServerName, "elsewhere.test"
	mistrusted.NATSTLSCA = CAFile(files.OtherCA)
	nameless.NATSTLSCert, nameless.NATSTLSKey = "", ""
	for _, scheme := range []string{"nats://", "tls://"} {
		_, at, _ := strings.Cut(url, "://")
		for name, login := range map[string]NATSLogin{"address": right, "name": named} {
			if err := reaches(t, Servers{NATSURL: NATSURL(scheme + at), NATSLogin: login}); err != nil {
				t.Errorf("%s by %s: %v", scheme, name, err)
			}
		}
		for name, login := range map[string]NATSLogin{"another name": misnamed, "another authority": mistrusted, "no certificate": nameless} {
			if err := reaches(t, Servers{NATSURL: NATSURL(scheme + at), NATSLogin: login}); !errors.Is(err, domain.ErrUnreachable) {
				t.Errorf("%s with %s: %v", scheme, name, err)
			}
		}
	}
	// A certificate that is renewed on disk is shown from then on.
	renewed := right
	renewed.NATSTLSCert, renewed.NATSTLSKey = copied(t, files.ClientCert), copied(t, files.ClientKey)
	cfg := renewed.login().TLS
	shown, err := cfg.GetClientCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	other := testserver.NewCertificates(t)
	replace(t, renewed.NATSTLSCert, other.ClientCert)
	replace(t, renewed.NATSTLSKey, other.ClientKey)
	again, err := cfg.GetClientCertificate(nil)
	if err != nil || same(shown, again) {
		t.Errorf("the certificate is the old one (%v)", err)
	}
}

func same(a, b *tls.Certificate) bool {
	first, err := x509.ParseCertificate(a.Certificate[0])
	second, err2 := x509.ParseCertificate(b.Certificate[0])
	return errors.Join(err, err2) == nil && first.Equal(second)
}

func copied(t *testing.T, path string) SecretFile {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return file(t, body)
}

func replace(t *testing.T, path SecretFile, by string) {
	t.Helper()
	body, err := os.ReadFile(by)
	if err == nil {
		err = os.WriteFile(string(path), body, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A request that is not permitted gets no answer; the error must say why.
func TestWhatTheLogDoesNotPermitIsNamed(t *testing.T) {
	t.Parallel()
	only := func(publish, subscribe string) *server.Permissions {
		return &server.Permissions{Publish: &server.SubjectPermission{Allow: []string{publish}}, Subscribe: &server.SubjectPermission{Allow: []string{subscribe}}}
	}
	url := secured(t, &server.Options{Users: []*server.User{
		{Username: "mute", Password: secret, Permissions: only("tick.>", "_INBOX.>")},
		{Username: "deaf", Password: secret, Permissions: only(">", "tick.>")},
	}})
	for name, want := range map[string]string{"mute": `Publish to "$JS.API.INFO"`, "deaf": `Subscription to "_INBOX.`} {
		err := reaches(t, Servers{NATSURL: NATSURL(url), NATSLogin: NATSLogin{NATSUser: name, NATSPassword: secret}})
		if !errors.Is(err, domain.ErrUnreachable) || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
