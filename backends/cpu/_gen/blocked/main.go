// Command blocked writes the assembly of package blocked: go run ./blocked DIR.
//
// All functions take the address of a tile whose operands the Go side has checked.
// Each ends with VZEROUPPER.
package main

import (
	"os"

	"example.com/midplane/backends/cpu/_gen/machine"
)

func main() {
	machine.Write("blocked", "blocked", os.Args[1], func() string {
		transposeAVX512()
		transposeAVX2()
		return tiles(machine.AVX512) + tiles(machine.AVX2)
	})
}
