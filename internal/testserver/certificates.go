package testserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certificates are files in the PEM form for servers and clients of a test, all
// signed by one authority.
type Certificates struct {
	CA                    string
	ServerCert, ServerKey string // of ServerName and 127.0.0.1
	ClientCert, ClientKey string
	OtherCA               string // has signed none of them
}

// ServerName is the name in the servers' certificate.
const ServerName = "servers.fullon.test"

// NewCertificates writes them to a directory of the test's.
func NewCertificates(tb testing.TB) Certificates {
	tb.Helper()
	dir := tb.TempDir()
	ca, caKey := certificate(tb, nil, nil, "authority")
	other, _ := certificate(tb, nil, nil, "another authority")
	server, serverKey := certificate(tb, ca, caKey, ServerName)
	client, clientKey := certificate(tb, ca, caKey, "client")
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		require(tb, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return path
	}
	secret := func(name string, key *ecdsa.PrivateKey) string {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		require(tb, err)
		return write(name, "PRIVATE KEY", der)
	}
	return Certificates{
		CA:         write("ca.pem", "CERTIFICATE", ca.Raw),
		OtherCA:    write("other-ca.pem", "CERTIFICATE", other.Raw),
		ServerCert: write("server.pem", "CERTIFICATE", server.Raw), ServerKey: secret("server-key.pem", serverKey),
		ClientCert: write("client.pem", "CERTIFICATE", client.Raw), ClientKey: secret("client-key.pem", clientKey),
	}
}

// certificate makes one that is signed by a parent; nil: by itself.
func certificate(tb testing.TB, parent *x509.Certificate, parentKey *ecdsa.PrivateKey, name string) (*x509.Certificate, *ecdsa.PrivateKey) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require(tb, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if parent == nil {
		template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
		template.DNSNames, template.IPAddresses, template.ExtKeyUsage = nil, nil, nil
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	require(tb, err)
	cert, err := x509.ParseCertificate(der)
	require(tb, err)
	return cert, key
}

// Client is what a client of these servers uses.
func (c Certificates) Client(tb testing.TB) *tls.Config {
	tb.Helper()
	pemCA, err := os.ReadFile(c.CA)
	require(tb, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pemCA)
	cert, err := tls.LoadX509KeyPair(c.ClientCert, c.ClientKey)
	require(tb, err)
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool, Certificates: []tls.Certificate{cert}, ServerName: ServerName}
}

// RedisArgs make a redis-server take TLS from clients with a certificate, and use
// it towards other servers.
func (c Certificates) RedisArgs() []string {
	return []string{
		"--tls-ca-cert-file", c.CA, "--tls-cert-file", c.ServerCert, "--tls-key-file", c.ServerKey,
		"--tls-auth-clients", "yes", "--tls-replication", "yes", "--tls-cluster", "yes",
	}
}
