package command

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"example.com/midplane/conformance"
)

// Frameworks are the front ends that a device can be scored with, by the names
// that --framework has for them; midplane itself is nil. Packages that bring others
// add them when the program starts.
var Frameworks = map[string]conformance.Framework{"midplane": nil}

// parseFramework returns the front end of a name.
func parseFramework(name string) (conformance.Framework, error) {
	f, ok := Frameworks[name]
	if !ok {
		return nil, fmt.Errorf("--framework %q: this program has %s", name, strings.Join(slices.Sorted(maps.Keys(Frameworks)), ", "))
	}
	return f, nil
}
