// Command integer writes the assembly of package integer: go run ./integer DIR.
//
// All functions take addresses of memory that the Go side has checked. Each ends
// with VZEROUPPER.
package main

import (
	"os"

	"example.com/midplane/backends/cpu/_gen/machine"
)

func main() {
	machine.Write("integer", "integer", os.Args[1], func() string {
		source := widened() + dotted() + functionsType()
		tilewise()
		planes()
		for _, m := range []*machine.Machine{machine.AVX2, machine.AVX512} {
			source += functionsTable(m)
			for _, f := range functions {
				f.write(m)
			}
		}
		return source
	})
}
