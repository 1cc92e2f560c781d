// Command vector writes the assembly of package vector: go run ./vector DIR.
//
// All functions take addresses of memory that the Go side has checked. Each ends
// with VZEROUPPER.
package main

import (
	"fmt"
	"os"

	"example.com/midplane/backends/cpu/_gen/machine"
)

func main() {
	machine.Write("vector", "vector", os.Args[1], func() string {
		source := ""
		for _, m := range []*machine.Machine{machine.AVX2, machine.AVX512} {
			for _, f := range elementwise {
				f.write(m)
			}
			for _, f := range reductions {
				f.write(m)
			}
			for _, f := range comparisons {
				f.write(m)
			}
			rows(m)
			source += table(m)
		}
		return list() + source
	})
}

// list returns the Go type of a table of functions.
func list() string {
	s := "// kernels are the functions of one set of instructions.\ntype kernels struct {\n"
	for _, f := range elementwise {
		s += f.name + " elementwise\n"
	}
	for _, f := range reductions {
		s += f.name + " reduction\n"
	}
	for _, f := range comparisons {
		s += f.name + " comparison\n"
	}
	for _, name := range rowNames {
		s += name + " func" + rowSignatures[name] + "\n"
	}
	return s + "}\n\n"
}

// table returns the Go table of the functions of one machine.
func table(m *machine.Machine) string {
	s := "var kernels" + m.Name + " = kernels{\n"
	entry := func(name string) { s += fmt.Sprintf("%s: %s%s,\n", name, name, m.Name) }
	for _, f := range elementwise {
		entry(f.name)
	}
	for _, f := range reductions {
		entry(f.name)
	}
	for _, f := range comparisons {
		entry(f.name)
	}
	for _, name := range rowNames {
		entry(name)
	}
	return s + "}\n\n"
}
