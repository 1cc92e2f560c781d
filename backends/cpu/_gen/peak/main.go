// Command peak writes the assembly of package peak: go run ./peak DIR.
//
// The functions work on registers alone. Each ends with VZEROUPPER.
package main

import (
	"fmt"
	"os"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

func main() {
	machine.Write("peak", "peak", os.Args[1], func() string {
		return loop(machine.AVX2, "floats", 12, machine.AVX2.Lanes, func(v []reg.VecPhysical) {
			for _, sum := range v[:12] {
				VFMADD231PS(v[12], v[13], sum)
			}
		}) + loop(machine.AVX512, "floats", 24, machine.AVX512.Lanes, func(v []reg.VecPhysical) {
			for _, sum := range v[:24] {
				VFMADD231PS(v[24], v[25], sum)
			}
		}) + loop(machine.AVX2, "bytes", 6, machine.AVX2.Width(), func(v []reg.VecPhysical) {
			for i, sum := range v[:6] {
				VPMADDUBSW(v[12], v[13], v[6+i])
				VPMADDWD(v[6+i], v[14], v[6+i])
				VPADDD(v[6+i], sum, sum)
			}
		}) + loop(machine.AVX512, "bytes", 24, machine.AVX512.Width(), func(v []reg.VecPhysical) {
			for _, sum := range v[:24] {
				VPDPBUSD(v[24], v[25], sum)
			}
		}) + tiles()
	})
}

// loop writes a function that repeats what step writes, on registers that are 0 at
// first. Step makes a number of products, of a number of lanes each; loop returns
// the Go constant of both.
func loop(m *machine.Machine, name string, products, lanes int, step func(v []reg.VecPhysical)) string {
	const signature = "(n int)"
	function := name + m.Name
	TEXT(function, NOSPLIT, "func"+signature)
	machine.Stub(function, signature, fmt.Sprintf("makes n times %sPerTurn%s multiply-adds, n > 0.", name, m.Name))
	n := Load(Param("n"), GP64())
	for _, v := range m.Vectors {
		m.Zero(v)
	}
	Label("turn")
	step(m.Vectors)
	SUBQ(U8(1), n)
	JNZ(LabelRef("turn"))
	VZEROUPPER()
	RET()
	return fmt.Sprintf("const %sPerTurn%s = %d\n\n", name, m.Name, products*lanes)
}

// tiles writes the loop with the tiles of AMX, all 16 rows of 64 bytes: four sums of
// products with two tiles on each side.
func tiles() string {
	TEXT("bytesAMX", NOSPLIT, "func(extents *byte, n int)")
	machine.Stub("bytesAMX", "(extents *[64]byte, n int)", "makes n times bytesPerTurnAMX multiply-adds, n > 0, with tiles of the extents that LDTILECFG takes.")
	Load(Param("extents"), reg.RDI)
	Load(Param("n"), reg.RAX)
	machine.ConfigureTiles(reg.RDI, 0)
	Label("turn")
	for sum := range machine.MatrixTile(4) {
		machine.MultiplyTiles(6+sum%2, 4+sum/2, sum)
	}
	SUBQ(U8(1), reg.RAX)
	JNZ(LabelRef("turn"))
	machine.ReleaseTiles()
	RET()
	return fmt.Sprintf("const bytesPerTurnAMX = %d\n\n", 4*16*16*64)
}
