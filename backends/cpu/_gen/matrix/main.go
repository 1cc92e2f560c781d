// Command matrix writes the assembly of package matrix: go run ./matrix DIR.
//
// All functions take addresses of memory that the Go side has checked. Each ends
// with VZEROUPPER.
package main

import (
	"os"

	"example.com/midplane/backends/cpu/_gen/machine"
)

func main() {
	machine.Write("matrix", "matrix", os.Args[1], func() string {
		tables := tiles(machine.AVX2) + tiles(machine.AVX512)
		filters(machine.AVX2)
		filters(machine.AVX512)
		taps3()
		return tables
	})
}
