package acceptance

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"testing"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/internal/testserver"
)

// The test's own binary is the nats-server that can be killed.
const (
	natsChildDir  = "FULLON_TEST_NATS_DIR"
	natsChildPort = "FULLON_TEST_NATS_PORT"
)

// runNATS serves until the process is told to end.
func runNATS(dir, port string) int {
	n, err := strconv.Atoi(port)
	if err != nil {
		return 2
	}
	server, err := bus.StartServer(bus.ServerConfig{Dir: dir, Port: n, Log: testserver.Quiet()})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("ready")
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	<-end
	server.Stop()
	return 0
}

// natsProcess is a nats-server that can be killed and started again.
type natsProcess struct {
	t    testing.TB
	dir  string
	port int
	cmd  *exec.Cmd
}

// newNATSProcess starts a server and makes the streams.
func newNATSProcess(t testing.TB) (*natsProcess, *bus.Bus) {
	t.Helper()
	// A first server in this process finds a free port and makes the streams.
	first, err := bus.StartServer(bus.ServerConfig{Dir: t.TempDir(), Log: testserver.Quiet()})
	if err != nil {
		t.Fatal(err)
	}
	n := &natsProcess{t: t, dir: t.TempDir(), port: first.Port()}
	first.Stop()
	t.Cleanup(n.kill)
	n.start()
	b := connect(t, n.url())
	if err := b.Provision(t.Context(), bus.Plan{}); err != nil {
		t.Fatal(err)
	}
	return n, b
}

func (n *natsProcess) url() string { return "nats://127.0.0.1:" + strconv.Itoa(n.port) }

// start returns when the server takes connections.
func (n *natsProcess) start() {
	n.t.Helper()
	n.cmd = exec.Command(os.Args[0])
	n.cmd.Env = append(os.Environ(), natsChildDir+"="+n.dir, natsChildPort+"="+strconv.Itoa(n.port))
	n.cmd.Stderr = os.Stderr
	out, err := n.cmd.StdoutPipe()
	if err == nil {
		err = n.cmd.Start()
	}
	if err != nil {
		n.t.Fatal(err)
	}
	ready := make([]byte, len("ready"))
	if _, err := out.Read(ready); err != nil || string(ready) != "ready" {
		n.t.Fatalf("nats-server did not start: %q, %v", ready, err)
	}
}

// kill ends the server at once (SIGKILL). What it has acknowledged stays.
func (n *natsProcess) kill() {
	if n.cmd == nil {
		return
	}
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait()
	n.cmd = nil
}

// connect gives the test a connection of its own.
func connect(t testing.TB, url string) *bus.Bus {
	t.Helper()
	b, err := bus.Connect(t.Context(), bus.Config{URL: url, Log: testserver.Quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}
