// Package imports holds the rules about which package may know which, as a
// test.
package imports

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/fullon/fullon"

// rule says what the packages of a folder may import besides the standard
// library. Names without a dot in their first element are folders of this
// module; "x/..." is x and all below it.
type rule struct {
	packages string
	may      []string
	why      string
}

var rules = []rule{
	{"domain", []string{"github.com/quagmt/udecimal"}, "everybody speaks its language, so it depends on nobody"},
	{"internal/wire", []string{"domain", "github.com/vmihailenco/msgpack/...", "github.com/tinylib/msgp/..."}, "the form of the events, wherever they are kept"},
	{"bus", []string{
		"domain", "internal/pause", "internal/wire", "github.com/nats-io/...", "github.com/synadia-io/orbit.go/...", "github.com/vmihailenco/msgpack/...",
		"github.com/tinylib/msgp/...", "github.com/cenkalti/backoff/...", "github.com/sourcegraph/conc/...",
	}, "the log never knows the cache"},
	{"cachestore", []string{
		"domain", "internal/wire", "github.com/redis/go-redis/...", "github.com/vmihailenco/msgpack/...", "github.com/tinylib/msgp/...",
	}, "the cache never knows the log"},
	{"client", []string{"domain", "bus", "cachestore", "internal/pause"}, "bots hold it: no servers, no workers"},
	{"client/ws", []string{"domain", "internal/pause", "github.com/coder/websocket", "github.com/cenkalti/backoff/..."}, "it speaks the protocol of the gateway and shares no code with it"},
	{"internal/projector", []string{
		"domain", "internal/pause", "internal/wire", "cachestore", "github.com/cenkalti/backoff/...", "github.com/sourcegraph/conc/...",
	}, "it folds what any log hands it, through an interface of its own"},
	{"internal/ingest", []string{
		"domain", "internal/pause", "internal/venue", "github.com/cenkalti/backoff/...", "github.com/sourcegraph/conc/...", "golang.org/x/time/...",
	}, "it hands events to any publisher, through interfaces of its own"},
	{"internal/venue/...", []string{
		"domain", "internal/venue/...", "github.com/coder/websocket", "github.com/cenkalti/backoff/...", "github.com/sourcegraph/conc/...",
		"golang.org/x/time/...", "github.com/valyala/fastjson/...", "internal/ingest", "internal/replay",
	}, "adapters know their venue and the language, nothing of this system"},
	{"internal/sim/...", []string{
		"domain", "internal/sim/...", "github.com/coder/websocket", "github.com/sourcegraph/conc/...", "golang.org/x/time/...",
	}, "a venue of its own, so that adapters are tested against something they do not share code with"},
	{"internal/replay/...", []string{
		"domain", "internal/sim/...", "github.com/coder/websocket", "github.com/sourcegraph/conc/...",
	}, "plays what real venues sent, and shares no code with the adapters that it tests"},
	{"internal/execution/...", []string{
		"domain", "internal/execution/...", "internal/pause", "github.com/cenkalti/backoff/...", "github.com/sourcegraph/conc/...", "internal/venue/...", "github.com/coder/websocket", "github.com/valyala/fastjson/...",
		"github.com/golang-jwt/jwt/...",
	}, "a venue knows orders, nothing of where they come from; connections and frames are looked after as those of market data; one wants its requests signed as JWTs"},
	{"internal/risk", []string{"domain"}, "gates that decide, and do nothing"},
	{"internal/orderworker", []string{
		"domain", "client", "internal/execution", "internal/pause", "internal/risk", "github.com/cenkalti/backoff/...", "github.com/sourcegraph/conc/...",
	}, "it knows a venue by its interface, and the log and Redis through the client"},
	{"internal/gateway", []string{
		"domain", "client", "internal/pause", "github.com/coder/websocket", "github.com/golang-jwt/jwt/...", "github.com/vmihailenco/msgpack/...",
		"golang.org/x/time/...",
	}, "a client like any bot, that lends its verbs to others"},
	{"internal/demo", []string{"domain", "client", "internal/pause", "github.com/sourcegraph/conc/..."}, "bots like any other"},
	{"internal/board", []string{"domain", "internal/table", "github.com/sourcegraph/conc/..."}, "a reader like any bot"},
	{"internal/verify", []string{"domain", "cachestore", "internal/projector", "internal/wire"}, "it holds the cache against the projector's own fold"},
	{"internal/console", []string{"bus", "domain", "client", "internal/table", "internal/verify"}, "a reader like any bot, and the printer of what was verified and repartitioned"},
	{"internal/asyncapi", []string{"internal/gateway", "go.yaml.in/yaml/..."}, "a program that describes"},
	{"internal/page", nil, "files for browsers"},
	{"internal/heap", nil, "a setting of the runtime"},
	{"internal/pause", nil, "a wait that a context ends"},
	{"internal/table", nil, "text"},
	{"internal/servers", []string{"github.com/nats-io/nats.go/...", "github.com/redis/go-redis/..."}, "it starts servers and knows nothing of what they are for"},
	{"internal/content", []string{"github.com/redis/go-redis/..."}, "it compares bytes"},
	{"internal/mockvenue", []string{"domain", "internal/execution"}, "a venue of its own, so that orders are tested against something they do not share code with"},
	{"internal/ordercheck", []string{"domain", "bus", "internal/wire", "internal/mockvenue"}, "it reads what the log holds, and shares no code with those who wrote it"},
	{"internal/chaos", []string{
		"domain", "bus", "cachestore", "client", "internal/wire", "internal/servers", "internal/content", "internal/mockvenue", "internal/ordercheck",
		"github.com/sourcegraph/conc/...",
	}, "a user like any other, who breaks servers"},
	{"internal/reference", []string{"domain", "bus"}, "a program that describes; its tests know the commands too"},
	{"cmd/...", []string{"compose"}, "flags and composition are compose's"},
	{"examples/...", []string{"domain", "bus", "cachestore", "client", "client/ws", "compose", "examples/internal/example"}, "they show what users write; their frame starts a deployment"},
}

// only says who alone may import something; an import from elsewhere is wrong
// even where a rule above would allow it.
var only = []rule{
	{"compose", []string{"cmd/...", "examples/internal/example"}, "the composition root is the top"},
	{"go.uber.org/fx/...", []string{"compose", "cmd/..."}, "constructors are plain functions"},
	{"github.com/alecthomas/kong", []string{"compose"}, "settings are read in one place"},
	{"github.com/joho/godotenv", []string{"compose"}, "settings are read in one place"},
	{"github.com/prometheus/...", []string{"compose"}, "parts count, the composition root exports"},
	{"github.com/nats-io/...", []string{"bus", "internal/servers"}, "the log has one door; servers only breaks it"},
	{"github.com/redis/go-redis/...", []string{"cachestore", "compose", "internal/testserver", "internal/servers", "internal/content"}, "the cache has one door; compose only silences the library's own log, and the others break it and look into it"},
	{"github.com/alicebob/miniredis/...", []string{"compose"}, "the embedded default where no redis-server is installed"},
	{"internal/ingest", []string{"compose", "internal/venue/venuetest"}, "adapters do not know who listens; their suite follows trades to the end"},
	{"github.com/golang-jwt/jwt/...", []string{"internal/gateway", "internal/execution/coinbase"}, "tokens are read in one place; Coinbase's are only made"},
	{"internal/testserver", nil, "only tests start test servers"},
	{"internal/cmdtest", nil, "only tests hold commands to conventions"},
	{"internal/servers", []string{"internal/chaos", "internal/testserver"}, "only tests and the chaos run start and break servers"},
	{"internal/content", []string{"internal/chaos"}, "only tests and the chaos run compare what Redis holds"},
	{"internal/mockvenue", []string{"internal/chaos", "internal/ordercheck"}, "only tests and the chaos run send orders to it"},
	{"internal/ordercheck", []string{"internal/chaos"}, "only tests and the chaos run hold orders to the rules"},
	{"internal/replay/...", []string{"compose", "internal/venue/venuetest"}, "only the composition root and tests play recordings"},
	{"internal/venue/venuetest", nil, "only tests fake a venue"},
	{"internal/execution/executiontest", []string{"internal/execution/papertest"}, "only tests hold a venue to its contract"},
	{"internal/execution/papertest", nil, "only tests fake a venue"},
	{"testing", []string{"internal/testserver", "internal/cmdtest", "internal/venue/venuetest", "internal/execution/executiontest", "internal/execution/papertest"}, "programs carry no test code"},
}

type pkg struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
}

// short is a package's name as the rules have it.
func short(path string) string { return strings.TrimPrefix(path, module+"/") }

func matches(name, pattern string) bool {
	if tree, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == tree || strings.HasPrefix(name, tree+"/")
	}
	return name == pattern || major(name) == pattern
}

// major takes the major version off a path.
func major(path string) string {
	at := strings.LastIndex(path, "/v")
	if at < 0 || strings.Trim(path[at+2:], "0123456789") != "" {
		return path
	}
	return path[:at]
}

func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// load lists the module's packages for two systems, so that files for one of
// them do not escape the rules.
func load(t *testing.T) []pkg {
	t.Helper()
	var all []pkg
	for _, system := range []string{"linux", "darwin"} {
		cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,GoFiles,Imports", module+"/...")
		cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		var errs bytes.Buffer
		cmd.Stderr = &errs
		body, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list: %v\n%s", err, &errs)
		}
		for decoder := json.NewDecoder(bytes.NewReader(body)); ; {
			var p pkg
			if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			all = append(all, p)
		}
	}
	if len(all) < 20 {
		t.Fatalf("only %d packages were found", len(all))
	}
	return all
}

// breaches are the imports of a package that the rules do not allow.
func breaches(p pkg) (found []string) {
	name := short(p.ImportPath)
	allowed := func(imported string, patterns []string) bool {
		return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(imported, pattern) })
	}
	for _, path := range p.Imports {
		imported := short(path)
		for _, r := range rules {
			if matches(name, r.packages) && !(standard(path) && path != module) && !allowed(imported, r.may) {
				found = append(found, name+" must not import "+imported+": "+r.why)
			}
		}
		for _, r := range only {
			if matches(imported, r.packages) && !matches(name, r.packages) && !allowed(name, r.may) {
				found = append(found, name+" must not import "+imported+": "+r.why)
			}
		}
	}
	return found
}

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		for _, breach := range breaches(p) {
			t.Error(breach)
		}
	}
}

// testCode is what only tests may be built with.
var testCode = []string{
	"testing/...", "internal/testserver", "internal/servers", "internal/content", "internal/mockvenue", "internal/ordercheck", "internal/chaos", "internal/venue/venuetest", "internal/execution/executiontest",
}

// D41: production code imported the factories of its tests. An import of an
// import counts as well.
func TestD41NoProgramHasTestCode(t *testing.T) {
	t.Parallel()
	roots := []string{"./cmd/...", "./client", "./client/ws", "./bus", "./cachestore", "./domain", "./examples/..."}
	cmd := exec.Command("go", append([]string{"list", "-deps"}, roots...)...)
	cmd.Dir = filepath.Join("..", "..")
	body, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(body))
	if len(packages) < 100 {
		t.Fatalf("only %d packages were found", len(packages))
	}
	for _, path := range packages {
		for _, pattern := range testCode {
			if matches(short(path), pattern) {
				t.Errorf("programs contain %s", path)
			}
		}
	}
}

func TestTheRulesWouldNoticeABreach(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, imported string
		legal          bool
	}{
		{"domain", "github.com/quagmt/udecimal", true},
		{"domain", "github.com/nats-io/nats.go", false},
		{"domain", module + "/bus", false},
		{"bus", "github.com/nats-io/nats.go/jetstream", true},
		{"bus", "github.com/cenkalti/backoff/v5", true},
		{"bus", module + "/cachestore", false},
		{"cachestore", module + "/bus", false},
		{"client", module + "/internal/projector", false},
		{"internal/projector", module + "/bus", false},
		{"internal/ingest", module + "/internal/venue/binance", false},
		{"internal/venue/binance", module + "/internal/sim", false},
		{"internal/venue/binance", module + "/internal/ingest", false},
		{"internal/venue/binance", "go.uber.org/fx", false},
		{"internal/wire", "go.uber.org/fx/fxevent", false},
		{"cmd/fullon", module + "/client", false},
		{"cmd/fullon", module + "/compose", true},
		{"internal/console", module + "/compose", false},
		{"compose", module + "/internal/testserver", false},
		{"compose", "testing", false},
		{"compose", "go.uber.org/fx", true},
		{"examples/bot", "github.com/redis/go-redis/v9", false},
	} {
		found := breaches(pkg{ImportPath: module + "/" + c.name, Imports: []string{c.imported}})
		if (len(found) == 0) != c.legal {
			t.Errorf("%s imports %s: %v", c.name, c.imported, found)
		}
	}
}

func TestProgramsAreShort(t *testing.T) {
	t.Parallel()
	programs := 0
	for _, p := range load(t) {
		if !matches(short(p.ImportPath), "cmd/...") {
			continue
		}
		programs++
		if len(p.GoFiles) != 1 || p.GoFiles[0] != "main.go" {
			t.Errorf("%s has %v, want main.go alone", short(p.ImportPath), p.GoFiles)
			continue
		}
		body, err := os.ReadFile(filepath.Join(p.Dir, "main.go"))
		if err != nil {
			t.Fatal(err)
		}
		if lines := bytes.Count(body, []byte("\n")); lines >= 40 {
			t.Errorf("%s has %d lines, want under 40", short(p.ImportPath), lines)
		}
	}
	if programs == 0 {
		t.Error("no programs were found")
	}
}
