package compose

import (
	"github.com/alecthomas/kong"
)

// Commands lists the commands of fullon, each as it is typed: "get ticker".
func Commands() []string {
	parser, err := kong.New(&FullonCommand{}, kong.Vars{"venue": simVenue}, venueNames(), settingMappers())
	if err != nil {
		panic(err) // the grammar is part of the program
	}
	var commands []string
	for _, leaf := range parser.Model.Leaves(false) {
		name := leaf.Name
		for at := leaf.Parent; at != nil && at.Type != kong.ApplicationNode; at = at.Parent {
			name = at.Name + " " + name
		}
		commands = append(commands, name)
	}
	return commands
}
