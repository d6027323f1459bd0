package servers

import (
	"fmt"
	"os/exec"
)

// Build builds programs of this module, or of those that it requires, into a
// folder. It is to be called from a folder of the module.
func Build(dir string, packages ...string) error {
	build := exec.Command("go", append([]string{"build", "-o", dir + "/"}, packages...)...)
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// NATSServer is the package of the nats-server that this module requires.
const NATSServer = "github.com/nats-io/nats-server/v2"
