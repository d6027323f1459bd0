package compose

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
)

type (
	// CAFile has certificates of authorities.
	CAFile string
	// SecretFile has a key or credentials.
	SecretFile string
)

// UnmarshalText reads the path of a file with certificates.
func (f *CAFile) UnmarshalText(text []byte) error {
	*f = CAFile(text)
	if _, err := f.pool(); err != nil {
		return notAllowed(string(text), "a file with certificates in PEM form that this user may read")
	}
	return nil
}

func (f CAFile) pool() (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	body, err := os.ReadFile(string(f))
	if err == nil && !pool.AppendCertsFromPEM(body) {
		err = domain.ErrInvalid
	}
	return pool, err
}

// UnmarshalText reads the path of a file that can be read.
func (f *SecretFile) UnmarshalText(text []byte) error {
	*f = SecretFile(text)
	if body, err := os.ReadFile(string(text)); err != nil || len(body) == 0 {
		return notAllowed(string(text), "a file that this user may read")
	}
	return nil
}

// NATSLogin says as whom a process connects to the log, and how the connection is
// secured.
type NATSLogin struct {
	NATSUser          string     `name:"nats-user" env:"NATS_USER" placeholder:"NAME" help:"User of the log (default: none)."`
	NATSPassword      string     `name:"nats-password" env:"NATS_PASSWORD" placeholder:"SECRET" help:"Password of that user. Other users of the machine see flags, so use the variable."`
	NATSToken         string     `name:"nats-token" env:"NATS_TOKEN" placeholder:"SECRET" help:"Token of the log, in place of a user."`
	NATSNKeyFile      SecretFile `name:"nats-nkey-file" env:"NATS_NKEY_FILE" placeholder:"FILE" help:"File with the seed of an nkey of the log, in place of a user."`
	NATSCredsFile     SecretFile `name:"nats-creds-file" env:"NATS_CREDS_FILE" placeholder:"FILE" help:"File with credentials for the log, a JWT and its seed, in place of a user."`
	NATSTLSCA         CAFile     `name:"nats-tls-ca" env:"NATS_TLS_CA" placeholder:"FILE" help:"Authorities whose word on the log's servers counts (default: the system's). Turns TLS on, like a tls:// URL."`
	NATSTLSCert       SecretFile `name:"nats-tls-cert" env:"NATS_TLS_CERT" placeholder:"FILE" help:"Certificate to show to the log, with its key. Turns TLS on."`
	NATSTLSKey        SecretFile `name:"nats-tls-key" env:"NATS_TLS_KEY" placeholder:"FILE" help:"Key of that certificate."`
	NATSTLSServerName string     `name:"nats-tls-server-name" env:"NATS_TLS_SERVER_NAME" placeholder:"NAME" help:"Name that the log's servers have in their certificate (default: the host of the URL). Turns TLS on."`
}

func (l NATSLogin) files() tlsFiles {
	return tlsFiles{"nats", l.NATSTLSCA, l.NATSTLSCert, l.NATSTLSKey, l.NATSTLSServerName}
}

func (l NATSLogin) login() bus.Login {
	login := bus.Login{
		User: l.NATSUser, Password: l.NATSPassword, Token: l.NATSToken,
		NKeyFile: string(l.NATSNKeyFile), CredsFile: string(l.NATSCredsFile),
	}
	if files := l.files(); files.any() {
		login.TLS = files.config()
	}
	return login
}

// checkLogin tells which settings cannot be together.
func (l NATSLogin) checkLogin(url NATSURL) error {
	first := ""
	for _, way := range []struct{ flag, value string }{
		{"nats-url", userIn(url)},
		{"nats-user", l.NATSUser},
		{"nats-token", hidden(l.NATSToken)},
		{"nats-nkey-file", string(l.NATSNKeyFile)},
		{"nats-creds-file", string(l.NATSCredsFile)},
	} {
		if way.value != "" && first != "" {
			return domain.Invalid(settingOf(way.flag), way.value, "nothing, because "+first+" says already who connects")
		}
		if way.value != "" {
			first = settingOf(way.flag)
		}
	}
	if l.NATSPassword != "" && l.NATSUser == "" {
		return incomplete("nats-password", hidden(l.NATSPassword), "nats-user")
	}
	return l.files().check()
}

// userIn is what a list of URLs has before the hosts.
func userIn(urls NATSURL) string {
	if strings.Contains(string(urls), "@") {
		return redactValue(string(urls))
	}
	return ""
}

// hidden stands for a secret in what people see.
func hidden(secret string) string {
	if secret == "" {
		return ""
	}
	return "xxxxx"
}

// incomplete is a setting that means nothing without another one.
func incomplete(flag, value, other string) error {
	return domain.Invalid(settingOf(flag), value, "nothing without "+settingOf(other))
}

// RedisSecurity says how the connection to Redis is secured, and which Sentinels
// know where it is.
type RedisSecurity struct {
	RedisTLS              bool       `name:"redis-tls" env:"REDIS_TLS" help:"Use TLS with Redis and its Sentinels."`
	RedisTLSCA            CAFile     `name:"redis-tls-ca" env:"REDIS_TLS_CA" placeholder:"FILE" help:"Authorities whose word on the servers of Redis counts (default: the system's). Turns TLS on."`
	RedisTLSCert          SecretFile `name:"redis-tls-cert" env:"REDIS_TLS_CERT" placeholder:"FILE" help:"Certificate to show to Redis, with its key. Turns TLS on."`
	RedisTLSKey           SecretFile `name:"redis-tls-key" env:"REDIS_TLS_KEY" placeholder:"FILE" help:"Key of that certificate."`
	RedisTLSServerName    string     `name:"redis-tls-server-name" env:"REDIS_TLS_SERVER_NAME" placeholder:"NAME" help:"Name that the servers of Redis have in their certificate (default: their host). Turns TLS on."`
	RedisSentinelMaster   string     `name:"redis-sentinel-master" env:"REDIS_SENTINEL_MASTER" placeholder:"NAME" help:"What Sentinels call the master; then the addresses are those of Sentinels."`
	RedisSentinelUsername string     `name:"redis-sentinel-username" env:"REDIS_SENTINEL_USERNAME" placeholder:"NAME" help:"User of the Sentinels (default: none)."`
	RedisSentinelPassword string     `name:"redis-sentinel-password" env:"REDIS_SENTINEL_PASSWORD" placeholder:"SECRET" help:"Password of the Sentinels (default: none)."`
}

func (r RedisSecurity) files() tlsFiles {
	return tlsFiles{"redis", r.RedisTLSCA, r.RedisTLSCert, r.RedisTLSKey, r.RedisTLSServerName}
}

// redisTLS is nil without TLS.
func (r RedisSecurity) redisTLS() *tls.Config {
	if files := r.files(); r.RedisTLS || files.any() {
		return files.config()
	}
	return nil
}

// checkRedis tells which settings cannot be together.
func (s Servers) checkRedis() error {
	sentinels := s.RedisSentinelMaster != ""
	switch redis := s.Redis(); {
	case sentinels && s.RedisCluster:
		return domain.Invalid(settingOf("redis-cluster"), "true", "false with "+settingOf("redis-sentinel-master")+": a cluster has no Sentinels")
	case sentinels && s.RedisAddrs == "":
		return domain.Invalid(settingOf("redis-addrs"), "", "addresses of Sentinels with "+settingOf("redis-sentinel-master"))
	case !sentinels && s.RedisSentinelUsername != "":
		return incomplete("redis-sentinel-username", s.RedisSentinelUsername, "redis-sentinel-master")
	case !sentinels && s.RedisSentinelPassword != "":
		return incomplete("redis-sentinel-password", hidden(s.RedisSentinelPassword), "redis-sentinel-master")
	case s.RedisSentinelUsername != "" && s.RedisSentinelPassword == "":
		return incomplete("redis-sentinel-username", s.RedisSentinelUsername, "redis-sentinel-password")
	case s.RedisUsername != "" && s.RedisPassword == "":
		return incomplete("redis-username", s.RedisUsername, "redis-password")
	case redis.TLS != nil && strings.HasPrefix(redis.Addrs[0], "/"):
		return domain.Invalid(settingOf("redis-host"), redis.Addrs[0], "a host, because a Unix socket has no TLS")
	}
	return s.RedisSecurity.files().check()
}

// tlsFiles are the settings of a connection with TLS; server is what their names
// begin with.
type tlsFiles struct {
	server     string
	ca         CAFile
	cert, key  SecretFile
	serverName string
}

func (f tlsFiles) any() bool { return f != tlsFiles{server: f.server} }

func (f tlsFiles) check() error {
	switch {
	case f.cert != "" && f.key == "":
		return incomplete(f.server+"-tls-cert", string(f.cert), f.server+"-tls-key")
	case f.key != "" && f.cert == "":
		return incomplete(f.server+"-tls-key", string(f.key), f.server+"-tls-cert")
	case f.cert != "":
		if _, err := f.load(); err != nil {
			return domain.Invalid(settingOf(f.server+"-tls-cert"), string(f.cert), "a certificate in PEM form that fits "+settingOf(f.server+"-tls-key"))
		}
	}
	return nil
}

func (f tlsFiles) load() (*tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(string(f.cert), string(f.key))
	return &cert, err
}

// config reads the certificate anew for each connection, so that it may be
// renewed while the process runs.
func (f tlsFiles) config() *tls.Config {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: f.serverName}
	if f.ca != "" {
		cfg.RootCAs, _ = f.ca.pool() // if it is gone by now: an empty one, which vouches for nobody
	}
	if f.cert != "" {
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return f.load() }
	}
	return cfg
}

// settingOf is how people know a setting, see settingName.
func settingOf(flag string) string {
	return strings.ToUpper(strings.ReplaceAll(flag, "-", "_")) + " (--" + flag + ")"
}
